import { describe, expect, it } from '@jest/globals';
import { grantsOf, makePolicy, NOW, pushOf, World } from '../../test/support/plan-world.js';
import { DAY } from '../platform/clock.js';
import { diffPerson } from './diff.js';
import type { FormerUser } from './former-user.js';
import { effectiveRoles } from './holdings.js';
import type { AdminGrant, BlockState, Person } from './person.js';
import { removeIdentity } from './remove-identity.js';
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
const BLOCK: BlockState = { kind: 'role', key: 'editor', adminId: 'boss', reason: 'audit', since: NOW, until: null };
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

describe('who returns', () => {
  const gone = (more: Partial<FormerUser> = {}): FormerUser => ({
    userId: 'user-1',
    version: 7,
    suspended: false,
    blocks: [],
    removedAt: NOW,
    expiresAt: NOW + 30 * DAY,
    ...more,
  });

  it('keeps the user id and its count of versions, and nothing that admins gave', () => {
    const world = new World(makePolicy());
    world.formers.push({ connectionId: 'a', name: 'externalId u-1', former: gone() });
    world.now += DAY;
    const back = world.push('u-1', ADA);
    expect(back).toMatchObject({ result: 'created', userId: 'user-1', returned: true });
    expect(world.person('user-1')).toMatchObject({ user: { version: 8 }, grants: [], blocks: [] });
    expect(identityAt(world.person('user-1'), 'a').notBefore).toBe(NOW);
  });

  it('stays suspended and blocked: a source lifts no word of an admin by deleting', () => {
    const world = new World(makePolicy());
    world.formers.push({
      connectionId: 'a',
      name: 'externalId u-1',
      former: gone({ suspended: true, blocks: [BLOCK] }),
    });
    world.formers.push({ connectionId: 'a', name: 'subject s-1', former: gone({ suspended: true, blocks: [BLOCK] }) });
    world.now += DAY;
    expect(world.login({ sub: 's-1', preferred_username: 'ada' }).problem?.code).toBe('user_suspended');
    world.push('u-1', { ...ADA, groups: ['engineering'] });
    expect(world.person('user-1')).toMatchObject({ user: { suspended: true }, blocks: [BLOCK] });
    expect(effectiveRoles(world.person('user-1'), world.now)).toEqual([]);
  });

  it.each([
    ['the same user name alone', 'u-2', ADA, 0],
    ['another connection', 'u-1', ADA, 0],
    ['more than thirty days', 'u-1', ADA, 31 * DAY],
  ])('is somebody new by %s', (why, externalId, fields, later) => {
    const world = new World(makePolicy());
    const connectionId = why === 'another connection' ? 'b' : 'a';
    world.formers.push({ connectionId, name: 'externalId u-1', former: gone() });
    world.now += later;
    const back = world.push(externalId, fields);
    expect(back.result).toBe('created');
    expect(back.userId).not.toBe('user-1');
    expect(back.returned).toBeUndefined();
  });

  it('comes back by a token of the same subject too, but not by one from before', () => {
    const world = new World(makePolicy());
    world.formers.push({ connectionId: 'a', name: 'subject s-1', former: gone() });
    world.now += 10;
    expect(world.login({ sub: 's-1' }, { at: NOW - 1 }).problem?.code).toBe('identity_deleted');
    expect(world.login({ sub: 's-1' })).toMatchObject({ result: 'created', userId: 'user-1', returned: true });
  });

  it('a token from before stays out after the account is bound to its subject again', () => {
    const world = new World(makePolicy({ match: [{ claim: 'oid', field: 'externalId' }] }));
    world.traces.push({ connectionId: 'a', subject: 's-1', notBefore: NOW + 5 });
    world.push('u-1', ADA);
    world.now += 10;
    expect(world.login({ sub: 's-1', oid: 'u-1' }).result).not.toBe('refused');
    world.traces.length = 0;
    expect(world.login({ sub: 's-1', oid: 'u-1' }, { at: NOW + 4 }).problem?.code).toBe('token_superseded');
  });

  it('a token whose connection makes no users brings nobody back', () => {
    const world = new World(makePolicy({ createUsers: false }));
    world.formers.push({ connectionId: 'a', name: 'subject s-1', former: gone() });
    expect(world.login({ sub: 's-1' }).problem?.code).toBe('unknown_person');
    expect(world.people.size).toBe(0);
  });

  it.each([
    ['joins the user whom another source holds', [], true],
    ['is somebody new where an admin gave the user something', [COVER], false],
    ['is somebody new where the user holds a privileged role', [OWNER], false],
  ] as const)('%s', (_, grants, joins) => {
    const world = new World(makePolicy(), makePolicy({ id: 'b' }));
    const { userId } = world.push('b-1', { userName: 'ada' }, { connectionId: 'b' });
    world.change(userId, (person) => ({ ...person, grants: [...person.grants, ...grants] }));
    world.formers.push({ connectionId: 'a', name: 'externalId u-1', former: gone({ userId: userId ?? '' }) });
    const back = world.push('u-1', ADA);
    expect(back.userId === userId).toBe(joins);
    expect(back.returned ?? false).toBe(joins);
  });

  it('two accounts of one former user in one batch do not become two identities of the connection', () => {
    const world = new World(makePolicy());
    for (const name of ['externalId u-1', 'subject s-1'])
      world.formers.push({ connectionId: 'a', name, former: gone() });
    world.push('u-1', ADA);
    const other = world.login({ sub: 's-1', preferred_username: 'other' });
    expect(other.userId).not.toBe('user-1');
    expect(world.person('user-1').identities).toHaveLength(1);
  });
});

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

  it('is refused where another person has it', () => {
    const { world, userId, identityId } = bound();
    world.push('u-2', { userName: 'grace' });
    expect(world.apply(named(identityId, 'u-2')).problem?.code).toBe('external_id_taken');
    expect(effectiveRoles(world.person(userId), world.now)).toEqual(['billing', 'editor']);
  });
});

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

describe('rule 7: off is off', () => {
  it('a push that switches off ends the sessions, and a token from before stays out after it is on again', () => {
    const world = new World(makePolicy({ match: [{ claim: 'oid', field: 'externalId' }] }));
    const { identityId } = world.push('u-1', ADA);
    world.login({ sub: 's-1', oid: 'u-1' });
    world.now += 10;
    const off = world.apply(pushOf(null, { active: false }, { identityId: identityId ?? '', newest: true }));
    expect(off).toMatchObject({ result: 'deactivated', endSessions: 'deactivated' });
    world.now += 10;
    const on = world.apply(pushOf(null, { active: true }, { identityId: identityId ?? '', newest: true }));
    expect(on.result).toBe('reactivated');
    expect(on.endSessions).toBeUndefined();
    expect(world.login({ sub: 's-1', oid: 'u-1' }, { at: NOW + 5 }).problem?.code).toBe('token_superseded');
    expect(world.login({ sub: 's-1', oid: 'u-1' }, { at: world.now }).result).not.toBe('refused');
  });
});
