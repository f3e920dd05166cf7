import { describe, expect, it } from '@jest/globals';
import { hashPassword, passwordMatches } from './password-hash.js';

describe('password hashes', () => {
  it('are PHC strings of argon2id at the cost that OWASP asks, each with a salt of its own', async () => {
    const [one, other] = await Promise.all([hashPassword('correct horse'), hashPassword('correct horse')]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(other).not.toBe(one);
  });

  it('match their password and no other', async () => {
    const phc = await hashPassword('josé’s horse');
    expect(await passwordMatches('josé’s horse', phc)).toBe(true);
    expect(await passwordMatches('jose\u0301’s horse', phc)).toBe(true);
    expect(await passwordMatches('jose’s horse', phc)).toBe(false);
    expect(await passwordMatches('', phc)).toBe(false);
  });

  it('of another maker are read with their own cost', async () => {
    // `echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 -l 24` is the example of the reference implementation;
    // this string is of its test.c: argon2id, version 0x13, t=2, m=2^16, p=1.
    const phc = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
    expect(await passwordMatches('password', phc)).toBe(true);
    expect(await passwordMatches('passwore', phc)).toBe(false);
  });

  it.each([null, '', 'plain', '$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'])(
    'that are none (%s) match nothing, and are worked on all the same',
    async (phc) => {
      const before = process.hrtime.bigint();
      expect(await passwordMatches('', phc)).toBe(false);
      expect(Number(process.hrtime.bigint() - before)).toBeGreaterThan(2_000_000);
    },
  );

  it('refuse with overloaded rather than wait without end', async () => {
    const answers = await Promise.allSettled(Array.from({ length: 60 }, () => passwordMatches('x', null)));
    const refused = answers.filter((each) => each.status === 'rejected');
    expect(refused).toHaveLength(8);
    expect((refused[0] as PromiseRejectedResult).reason).toMatchObject({ code: 'overloaded' });
  });
});
