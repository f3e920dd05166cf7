import { describe, expect, it } from '@jest/globals';
import { createKey, hashSecret, parseKey, secretMatches } from './key-format.js';

describe('API keys', () => {
  it('G1 have a prefix that scanners know, and a secret of 256 bits', () => {
    const { key, keyId } = createKey();
    expect(key).toMatch(/^rc_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}$/);
    expect(parseKey(key)).toMatchObject({ keyId });
    expect(Math.log2(62) * 43).toBeGreaterThanOrEqual(256);
  });

  it('G1 are stored hashed', () => {
    const { key, secretHash } = createKey();
    const secret = parseKey(key)?.secret ?? '';
    expect(secretHash).toBe(hashSecret(secret));
    expect(secretHash).not.toContain(secret);
    expect(secretMatches(secret, secretHash)).toBe(true);
    expect(secretMatches(`${secret.slice(0, -1)}_`, secretHash)).toBe(false);
  });

  it('with any one character changed have a wrong checksum', () => {
    const { key } = createKey();
    for (let at = 3; at < key.length; at++) {
      const other = key[at] === 'x' ? 'y' : 'x';
      expect(parseKey(key.slice(0, at) + other + key.slice(at + 1))).toBeNull();
    }
  });

  it.each(['', 'rc_', 'rc_abcdefgh_short', `rc_abcdefgh_${'a'.repeat(49)}`, `xx_abcdefgh_${'a'.repeat(49)}`])(
    '%j is none',
    (text) => expect(parseKey(text)).toBeNull(),
  );

  it('cut off, lengthened or with a line break are none', () => {
    const { key } = createKey();
    for (const text of [key.slice(0, -1), `${key}a`, `${key}\n`, ` ${key}`]) expect(parseKey(text)).toBeNull();
  });
});
