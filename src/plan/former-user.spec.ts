import { describe, expect, it } from '@jest/globals';
import { makePolicy, NOW, World } from '../../test/support/plan-world.js';
import { DAY } from '../platform/clock.js';
import { type FormerUser, nameTrace } from './former-user.js';
import { effectiveRoles } from './holdings.js';
import type { AdminGrant, BlockState, Person } from './person.js';

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
const identityAt = (person: Person, connectionId: string) =>
  person.identities.find((one) => one.connectionId === connectionId)!;

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

  it('a token from before stays out though the account never logged in, by the name it has', () => {
    const world = new World(makePolicy());
    world.traces.push({ connectionId: 'a', subject: nameTrace('ada'), notBefore: NOW + 5 });
    expect(world.login({ sub: 's-1', preferred_username: 'ADA' }, { at: NOW }).problem?.code).toBe('identity_deleted');
    expect(world.people.size).toBe(0);
    world.now += 10;
    expect(world.login({ sub: 's-1', preferred_username: 'ADA' }).result).toBe('created');
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
