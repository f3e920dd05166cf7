import { describe, expect, it } from '@jest/globals';
import { grantsOf, makePolicy, NOW, World, type PolicyChanges } from '../../test/support/plan-world.js';
import { readToken, type TokenReading } from './read-token.js';
import type { Json } from './statement.js';

function read(changes: PolicyChanges, claims: Record<string, Json>): TokenReading {
  const { mapping, emailVerified } = makePolicy(changes);
  return readToken(mapping, claims, { emailVerified, now: NOW });
}

describe('what a token states', () => {
  it('keeps the claims that the mapping reads, and no others', () => {
    const { fields, subject } = read({}, { sub: 's-1', email: 'a@x.com', groups: ['g'], secret: 'x', phone: '1' });
    expect(fields).toEqual({ 'claims.email': 'a@x.com', 'claims.groups': ['g'] });
    expect(subject).toBe('s-1');
  });

  it.each([
    ['_claim_names', { groups: ['part'], _claim_names: { groups: 'src1', other: 'src1' } }],
    ['hasgroups', { hasgroups: true }],
  ])('E6 hears overage by %s', (_, claims) => {
    const { overage, fields } = read({}, { sub: 's-1', ...claims } as Record<string, Json>);
    expect(overage).toEqual(['claims.groups']);
    expect(fields).toEqual({});
  });

  it.each<[string, Record<string, Json>]>([
    ['missing', {}],
    ['a list', { sub: ['s-1'] }],
    ['empty', { sub: '' }],
    ['too long', { sub: 'x'.repeat(256) }],
  ])('D4 a subject that is %s is a fault', (_, claims) => {
    expect(read({}, claims).faults).toMatchObject([{ code: 'claim_invalid' }]);
  });

  it('offers match values in order, each under its condition', () => {
    const match = [
      { claim: 'oid', field: 'externalId' as const },
      { claim: 'email', field: 'email' as const, when: 'claims.email_verified == true' },
    ];
    const claims = { sub: 's', oid: 'u-1', email: 'a@x.com' };
    expect(read({ match }, claims).match).toEqual([{ field: 'externalId', value: 'u-1' }]);
    expect(read({ match }, { ...claims, email_verified: true }).match).toHaveLength(2);
    expect(read({ match, emailVerified: 'always' }, claims).match).toHaveLength(2);
  });

  it('refuses claims that would fill the facts', () => {
    const groups = Array.from({ length: 1_000 }, (_, i) => `${i}-${'x'.repeat(60)}`);
    expect(read({}, { sub: 's', groups }).faults).toMatchObject([{ code: 'facts_too_large' }]);
  });
});

describe('a whole record in one claim', () => {
  const payload = { mapping: { payloadClaim: 'https://acme/user' } };
  const record = { externalId: 'u-1', userName: 'ada', roles: ['viewer'], attributes: { team: 'x' } };
  const claims = (value: Json): Record<string, Json> => ({ sub: 's-1', 'https://acme/user': value });

  it.each([
    ['an object', record],
    ['a JSON text', JSON.stringify(record)],
  ])('is read as %s', (_, value) => {
    expect(read(payload, claims(value))).toMatchObject({
      externalId: 'u-1',
      complete: true,
      fields: { userName: 'ada', roles: ['viewer'], 'attributes.team': 'x' },
      faults: [],
    });
  });

  it('clears what it omits, unless the mapping says otherwise by field', () => {
    const world = new World(makePolicy(payload));
    const { userId } = world.login(claims(record));
    expect(grantsOf(world.person(userId))).toEqual(['viewer by a/direct']);
    world.now += 10;
    world.login(claims({ userName: 'ada' }));
    expect(grantsOf(world.person(userId))).toEqual([]);
    expect(world.person(userId).user.attributes).toEqual({});
    const keeps = new World(
      makePolicy({ mapping: { ...payload.mapping, whenAbsent: { roles: 'keep', attributes: 'clear' } } }),
    );
    const kept = keeps.login(claims(record)).userId;
    keeps.now += 10;
    keeps.login(claims({ userName: 'ada' }));
    expect(grantsOf(keeps.person(kept))).toEqual(['viewer by a/direct']);
    expect(keeps.person(kept).user.attributes).toEqual({});
  });

  it('names its faults inside the claim, and lets nobody in whom it calls inactive', () => {
    expect(read(payload, claims({ email: 7, extra: 1 })).faults.map(({ pointer }) => pointer)).toEqual([
      '/https:~1~1acme~1user/email',
      '/https:~1~1acme~1user/extra',
    ]);
    expect(read(payload, claims('{')).faults).toMatchObject([{ code: 'claim_invalid' }]);
    expect(read(payload, claims('{"roles":["viewer"],"roles":["editor"]}')).faults).toEqual([
      {
        code: 'claim_invalid',
        pointer: '/https:~1~1acme~1user',
        detail: 'cannot be read as JSON: The name "roles" stands twice in one object.',
      },
    ]);
    expect(read(payload, claims({ active: false })).faults).toMatchObject([{ code: 'identity_inactive' }]);
  });

  it('refuses a login whose record names a role beyond the ceiling', () => {
    const world = new World(makePolicy(payload));
    expect(world.login(claims({ roles: ['owner'] }))).toMatchObject({
      result: 'refused',
      problem: { code: 'role_not_allowed' },
    });
  });
});
