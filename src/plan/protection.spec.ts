import { describe, expect, it } from '@jest/globals';
import { makePolicy, NOW, pushOf, World } from '../../test/support/plan-world.js';
import { effectiveRoles } from './holdings.js';
import type { AdminGrant, Person } from './person.js';
import { findProtection } from './protection.js';

const COVER: AdminGrant = {
  kind: 'role',
  key: 'billing',
  since: NOW,
  source: 'admin',
  adminId: 'boss',
  reason: 'cover',
  until: null,
};
const OWNER: AdminGrant = { ...COVER, key: 'owner' };
const ADA = { userName: 'ada', displayName: 'Ada', email: 'ada@acme.com', emailVerified: true };
const LINKING = { authoritativeDomains: ['acme.com'] };
const withGrant = (grant: AdminGrant) => (person: Person) => ({ ...person, grants: [...person.grants, grant] });

describe('protected users', () => {
  const guarded = (identityId: string | null, fields = {}, more = {}) =>
    pushOf('u-1', fields, { identityId: identityId ?? '', newest: true, guarded: true, ...more });

  it.each([
    ['an admin’s privileged role', [OWNER], false, 'protected_user'],
    ['an admin’s ordinary role', [COVER], false, undefined],
    ['a privileged role that has ended', [{ ...OWNER, until: NOW - 1 }], false, undefined],
    ['a parked one', [{ ...OWNER, parkedAt: NOW }], false, undefined],
    ['a privileged role, from a connection that may grant such', [OWNER], true, undefined],
  ] as const)('%s', (_, grants, allowPrivileged, code) => {
    const world = new World(makePolicy({ allowPrivileged }));
    const { userId, identityId } = world.push('u-1', ADA);
    world.change(userId, (person) => ({ ...person, grants: [...person.grants, ...grants] }));
    const before = world.person(userId);
    for (const fields of [{ displayName: 'Eve' }, { active: false }, { groups: ['engineering'] }]) {
      expect(world.apply(guarded(identityId, fields)).problem?.code).toBe(code);
    }
    if (code) expect(world.person(userId)).toBe(before);
    expect(findProtection(before, makePolicy({ allowPrivileged }), NOW)?.code).toBe(code);
  });

  it('another connection’s privileged role protects, an own one does not', () => {
    const trusted = { allowPrivileged: true, allowedRoles: new Set(['viewer', 'owner']) };
    const world = new World(makePolicy(LINKING), makePolicy({ ...LINKING, ...trusted, id: 'b' }));
    const { userId, identityId } = world.push('u-1', ADA);
    world.push('b-1', ADA, { connectionId: 'b' });
    world.push('b-1', { ...ADA, roles: ['owner'] }, { connectionId: 'b' });
    expect(effectiveRoles(world.person(userId), NOW)).toEqual(['owner']);
    expect(world.apply(guarded(identityId, { displayName: 'Eve' })).problem?.code).toBe('protected_user');
    const own = { ...makePolicy(), id: 'b' };
    expect(findProtection(world.person(userId), own, NOW)).toBeNull();
  });

  it('an unchanged write is no write, and a push that is no directory’s works as ever', () => {
    const world = new World(makePolicy());
    const { userId, identityId } = world.push('u-1', ADA);
    world.change(userId, withGrant(OWNER));
    expect(world.apply(guarded(identityId, { displayName: 'Ada' })).result).toBe('unchanged');
    expect(world.apply(guarded(identityId, {}, { externalId: 'u-9' })).problem?.code).toBe('protected_user');
    world.now += 10;
    expect(world.push('u-1', { ...ADA, displayName: 'Ada L.' }).result).toBe('updated');
  });
});
