import { describe, expect, it } from '@jest/globals';
import { grantsOf, makePolicy, NOW, World } from '../../test/support/plan-world.js';
import { diffPerson } from './diff.js';
import type { AdminGrant, Person } from './person.js';
import { removeIdentity, staysVerified } from './remove-identity.js';

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
const LINKING = { authoritativeDomains: ['acme.com'] };
const withGrant = (grant: AdminGrant) => (person: Person) => ({ ...person, grants: [...person.grants, grant] });
const policyIn = (world: World) => (id: string) => world.policies.get(id) ?? null;
const identityAt = (person: Person, connectionId: string) =>
  person.identities.find((one) => one.connectionId === connectionId)!;

describe('the removal of an identity by its source', () => {
  it('takes the user too where nothing else holds them, an admin’s grant or not', () => {
    const world = new World(makePolicy());
    const { userId } = world.push('u-1', ADA);
    world.change(userId, withGrant(COVER));
    const person = world.person(userId);
    expect(removeIdentity(person, identityAt(person, 'a').id, false, policyIn(world))).toBeNull();
  });

  it('leaves a user who has a password, with what admins gave and without what it gave', () => {
    const world = new World(makePolicy());
    const { userId } = world.push('u-1', { ...ADA, groups: ['engineering'], 'attributes.department': 'R&D' });
    world.change(userId, withGrant(COVER));
    const person = world.person(userId);
    const left = removeIdentity(person, identityAt(person, 'a').id, true, policyIn(world));
    expect(grantsOf(left)).toEqual(['billing by admin']);
    expect(left?.identities).toEqual([]);
    // Names stay for admins to know whom they see; what it alone said of them goes.
    expect(left?.user).toMatchObject({ userName: 'ada', displayName: 'Ada', email: null, emailVerified: false });
    expect(left?.user.attributes).toEqual({});
  });

  it('leaves a user whom another source holds, with the profile that this one states', () => {
    const world = new World(makePolicy(LINKING), makePolicy({ ...LINKING, id: 'b' }));
    const { userId } = world.push('u-1', { ...ADA, groups: ['engineering'], 'attributes.department': 'R&D' });
    const joined = world.push(
      'b-1',
      { ...ADA, displayName: 'Ada L.', roles: ['viewer'], 'attributes.office': 'Rome' },
      { connectionId: 'b' },
    );
    expect(joined.userId).toBe(userId);
    const person = world.person(userId);
    const left = removeIdentity(person, identityAt(person, 'a').id, false, policyIn(world));
    expect(grantsOf(left)).toEqual(['viewer by b/direct']);
    expect(left?.user).toMatchObject({ displayName: 'Ada L.', email: 'ada@acme.com', emailVerified: true });
    expect(left?.user.attributes).toEqual({ office: 'Rome' });
    expect(diffPerson(person, left, NOW)?.event).toMatchObject({
      type: 'user.roles_changed',
      revoked: [{ key: 'editor', connectionId: 'a' }],
    });
  });
});

describe('an address that was verified, once a connection is gone', () => {
  const [a, b] = [makePolicy(LINKING), makePolicy({ ...LINKING, id: 'b' })];
  const staysIn = (world: World, userId: string | null) => staysVerified(world.person(userId), 'a', policyIn(world));

  it('is so no more where that alone said it', () => {
    const world = new World(a, b);
    const { userId } = world.push('u-1', ADA);
    expect(staysIn(world, userId)).toBe(false);
    world.policies.delete('a');
    expect(staysIn(world, userId)).toBe(false);
  });

  it('stays so by the word of another that states it too, and of no other', () => {
    const world = new World(a, b);
    const { userId } = world.push('u-1', ADA);
    expect(world.push('b-1', ADA, { connectionId: 'b' }).userId).toBe(userId);
    expect(staysIn(world, userId)).toBe(true);
    world.push('b-1', { ...ADA, emailVerified: false }, { connectionId: 'b' });
    expect(staysIn(world, userId)).toBe(false);
    world.push('b-1', { ...ADA, email: 'other@acme.com' }, { connectionId: 'b' });
    expect(staysIn(world, userId)).toBe(false);
  });

  it('stays so by the word of an admin', () => {
    const world = new World(a);
    const { userId } = world.push('u-1', { userName: 'ada' });
    world.change(userId, (person) => ({
      ...person,
      user: { ...person.user, email: 'ada@acme.com', emailVerified: true },
    }));
    expect(staysIn(world, userId)).toBe(true);
  });
});
