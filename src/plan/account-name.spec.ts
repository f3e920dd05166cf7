import { describe, expect, it } from '@jest/globals';
import { makePolicy, NOW, pushOf, World } from '../../test/support/plan-world.js';
import { diffPerson } from './diff.js';
import { effectiveRoles } from './holdings.js';
import type { AdminGrant, Person } from './person.js';

const COVER: AdminGrant = {
  kind: 'role',
  key: 'billing',
  since: NOW,
  source: 'admin',
  adminId: 'boss',
  reason: 'cover',
  until: null,
};
const ADA = { userName: 'ada', displayName: 'Ada', email: 'ada@acme.com', emailVerified: true };
const withGrant = (grant: AdminGrant) => (person: Person) => ({ ...person, grants: [...person.grants, grant] });
const identityAt = (person: Person, connectionId: string) =>
  person.identities.find((one) => one.connectionId === connectionId)!;

describe('a changed externalId', () => {
  const bound = (): { world: World; userId: string; identityId: string } => {
    const world = new World(makePolicy({ match: [{ claim: 'oid', field: 'externalId' }] }));
    const { userId, identityId } = world.push('u-1', { ...ADA, groups: ['engineering'] });
    world.login({ sub: 's-1', oid: 'u-1' });
    world.change(userId, withGrant(COVER));
    world.now += 10;
    return { world, userId: userId ?? '', identityId: identityId ?? '' };
  };
  const named = (identityId: string, externalId: string | null, more = {}) =>
    pushOf(externalId, {}, { identityId, newest: true, ...more });

  it('ends sessions, unbinds the subject, and parks what admins gave', () => {
    const { world, userId, identityId } = bound();
    const before = world.person(userId);
    const outcome = world.apply(named(identityId, 'u-9'));
    expect(outcome).toMatchObject({ result: 'updated', endSessions: 'external_id_changed', unbound: 's-1', userId });
    const person = world.person(userId);
    expect(identityAt(person, 'a')).toMatchObject({ externalId: 'u-9', subject: null, notBefore: world.now });
    expect(effectiveRoles(person, world.now)).toEqual(['editor']);
    expect(person.grants.filter(({ source }) => source === 'admin')).toEqual([{ ...COVER, parkedAt: world.now }]);
    expect(diffPerson(before, person, world.now)?.event).toMatchObject({
      type: 'user.grants_parked',
      granted: [],
      revoked: [{ kind: 'role', key: 'billing' }],
    });
    expect(world.login({ sub: 's-1', oid: 'u-9' }, { at: world.now - 1 }).problem?.code).toBe('token_superseded');
  });

  it('is one though the old one was taken away in between', () => {
    const { world, userId, identityId } = bound();
    const taken = world.apply(named(identityId, null, { clearsExternalId: true }));
    expect(taken).toMatchObject({ result: 'updated' });
    expect(taken.endSessions).toBeUndefined();
    expect(identityAt(world.person(userId), 'a').externalId).toBeNull();
    // A token that names the person itself does not make the new name an old one.
    world.login({ sub: 's-1', oid: 'u-9' });
    expect(world.apply(named(identityId, 'u-9')).endSessions).toBe('external_id_changed');
    expect(identityAt(world.person(userId), 'a').facts).not.toHaveProperty('formerExternalId');
  });

  it('is none where the same comes back, or the first one is set', () => {
    const { world, userId, identityId } = bound();
    world.apply(named(identityId, null, { clearsExternalId: true }));
    expect(world.apply(named(identityId, 'u-1')).endSessions).toBeUndefined();
    expect(world.apply(named(identityId, 'u-1')).result).toBe('unchanged');
    expect(effectiveRoles(world.person(userId), world.now)).toEqual(['billing', 'editor']);
    const grace = world.login({ sub: 's-2', preferred_username: 'grace' });
    world.change(grace.userId, withGrant(COVER));
    expect(world.apply(named(grace.identityId ?? '', 'u-2')).endSessions).toBeUndefined();
    expect(effectiveRoles(world.person(grace.userId), world.now)).toEqual(['billing']);
  });

  it('is one though another person is found by the new name, and so is every further one', () => {
    const { world, userId, identityId } = bound();
    world.push('u-2', { userName: 'grace' });
    const shared = (name: string) => named(identityId, null, { clearsExternalId: true, sharedExternalId: name });
    expect(world.apply(shared('u-2'))).toMatchObject({ endSessions: 'external_id_changed', unbound: 's-1' });
    expect(identityAt(world.person(userId), 'a')).toMatchObject({ externalId: null, subject: null });
    expect(effectiveRoles(world.person(userId), world.now)).toEqual(['editor']);
    expect(world.apply(shared('u-2')).result).toBe('unchanged');
    world.push('u-3', { userName: 'lin' });
    expect(world.apply(shared('u-3')).endSessions).toBe('external_id_changed');
    expect(world.apply(named(identityId, 'u-1')).endSessions).toBe('external_id_changed');
  });

  it('is refused where another person has it', () => {
    const { world, userId, identityId } = bound();
    world.push('u-2', { userName: 'grace' });
    expect(world.apply(named(identityId, 'u-2')).problem?.code).toBe('external_id_taken');
    expect(effectiveRoles(world.person(userId), world.now)).toEqual(['billing', 'editor']);
  });
});
