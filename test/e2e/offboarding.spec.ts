import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Json, Statement } from '../../src/plan/statement.js';
import type { Principal } from '../../src/platform/access.js';
import { DAY, SECOND } from '../../src/platform/clock.js';
import { newId } from '../../src/platform/ids.js';
import { permissions } from '../../src/platform/permissions.js';
import { Problem } from '../../src/platform/problem.js';
import { selectRows } from '../../src/platform/sql.js';
import { Sweeper } from '../../src/platform/sweeper.js';
import { ProvisioningService } from '../../src/provisioning/provisioning.service.js';
import type { Settled } from '../../src/provisioning/submission.js';
import { IdentityRemoval, type RemovalRequest } from '../../src/records/users/identity-removal.service.js';
import type { UserView } from '../../src/records/users/user-view.dto.js';
import type { HttpClient } from '../support/http-client.js';
import { type Customer, type LoggedInBody, LoginWorld } from '../support/login-world.js';
import { seedGrants } from '../support/seed.js';
import { endReasonOf, eventsOf, seedSession } from '../support/stored.js';

const MATCHING = {
  login: {
    enabled: true,
    createUsers: true,
    subject: 'claims.sub',
    match: [{ claim: 'oid', field: 'externalId' as const }],
    maxSessionSeconds: 43_200,
  },
};
const ALL = Object.keys(permissions);

let world: LoginWorld;
let acme: Customer;
let admin: HttpClient;
let count = 0;

beforeAll(async () => {
  world = await LoginWorld.start();
  acme = await world.addCustomer(MATCHING);
  admin = await acme.client(...ALL.filter((each) => each !== 'users:sync'));
});
afterAll(() => world.stop());

const principal = (customer = acme): Principal => ({
  type: 'api-key',
  id: newId(),
  tenantId: customer.tenantId,
  connectionId: customer.connectionId,
  sessionId: null,
  operatorOf: null,
  permissions: new Set(['scim:write']),
});

/** What a SCIM write says of one person. */
async function state(fields: Record<string, Json>, more: Partial<Statement>, customer = acme): Promise<Settled> {
  const statement: Statement = {
    connectionId: customer.connectionId,
    voice: 'push',
    at: 0,
    newest: true,
    externalId: null,
    subject: null,
    fields,
    overage: [],
    complete: false,
    guarded: true,
    ...more,
  };
  const submission = { tenantId: customer.tenantId, statement, purpose: 'push' as const, via: 'scim' as const };
  const actor = { type: 'api-key' as const, id: newId() };
  return world.rollcall.app.get(ProvisioningService).submit({ ...submission, actor });
}

interface Pushed {
  userId: string;
  identityId: string;
  externalId: string;
}

async function pushPerson(fields: Record<string, Json> = {}, customer = acme): Promise<Pushed> {
  const externalId = `u-${++count}`;
  return { ...(await pushAs(externalId, { userName: `${externalId}@acme.com`, ...fields }, customer)), externalId };
}

async function pushAs(externalId: string, fields: Record<string, Json>, customer = acme) {
  const settled = await state(fields, { externalId }, customer);
  if (settled.kind !== 'planned') throw new Error(JSON.stringify(settled));
  return { userId: settled.outcome.userId ?? '', identityId: settled.outcome.identityId ?? '' };
}

const remove = (identityId: string, more: Partial<RemovalRequest> = {}, customer = acme) =>
  world.rollcall.app
    .get(IdentityRemoval)
    .remove(principal(customer), { connectionId: customer.connectionId, identityId, via: 'scim', ...more });

const enter = (person: Pushed, over: Record<string, unknown> = {}) =>
  acme.login({ sub: `s-${person.externalId}`, oid: person.externalId, ...over });
const meOf = ({ access_token }: LoggedInBody) =>
  world.rollcall.http.get('/auth/me', { authorization: `Bearer ${access_token}` });
const see = async (userId: string): Promise<UserView> => (await admin.get<UserView>(`/users/${userId}`)).body;

describe('the deletion of an identity by its source', () => {
  it('takes the user too, ends their session at once, and lets no token from before in again', async () => {
    const person = await pushPerson();
    const token = acme.token({ sub: `s-${person.externalId}`, oid: person.externalId });
    const session = await enter(person);
    expect((await meOf(session.body)).status).toBe(200);
    await admin.put(`/users/${person.userId}/roles/viewer`, { reason: 'cover' });
    world.clock.pass(2 * SECOND);
    expect(await remove(person.identityId)).toEqual({ userId: person.userId, userDeleted: true });
    expect((await meOf(session.body)).status).toBe(401);
    expect((await admin.get(`/users/${person.userId}`)).status).toBe(404);
    expect((await world.login(token)).status).toBe(401);
    expect(await acme.refusals()).toEqual(['identity_deleted']);
    const last = (await eventsOf(world.rollcall, person.userId)).at(-1);
    expect(last).toMatchObject({ type: 'user.deleted', via: 'scim', personal: { identity: person.identityId } });
    await expect(remove(person.identityId)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('leaves the user to the other source, whose session goes on', async () => {
    const bolt = await world.connect(acme.tenantId, world.idp.addRealm(LoginWorld.key), {
      authoritativeDomains: ['bolt.com'],
      allowedRoles: ['viewer'],
    });
    const mail = { email: 'ada@bolt.com', emailVerified: true };
    const person = await pushPerson({ ...mail, groups: ['engineering'], 'attributes.unit': 'R&D' });
    const joined = await pushAs('b-1', { ...mail, userName: 'ada', roles: ['viewer'] }, bolt);
    expect(joined.userId).toBe(person.userId);
    const [here, there] = [
      await seedSession(world.rollcall, acme.tenantId, person.userId, person.identityId),
      await seedSession(world.rollcall, acme.tenantId, person.userId, joined.identityId),
    ];
    expect((await remove(person.identityId)).userDeleted).toBe(false);
    expect([await endReasonOf(world.rollcall, here), await endReasonOf(world.rollcall, there)]).toEqual([
      'deleted',
      null,
    ]);
    const user = await see(person.userId);
    expect(user).toMatchObject({ userName: 'ada', email: 'ada@bolt.com', attributes: {} });
    expect(user.identities.map(({ id }) => id)).toEqual([joined.identityId]);
    expect(user.roles.map(({ key }) => key)).toEqual(['viewer']);
  });

  it('writes what goes alongside with it, and nothing where the check refuses', async () => {
    const person = await pushPerson();
    const refusing = { check: () => Promise.reject(new Problem('version_conflict')) };
    await expect(remove(person.identityId, refusing)).rejects.toMatchObject({ code: 'version_conflict' });
    const missing = { check: () => Promise.reject(new Problem('not_found')) };
    await expect(remove(person.identityId, missing)).rejects.toMatchObject({ code: 'not_found' });
    const failing = { alongside: () => Promise.reject(new Error('no')) };
    await expect(remove(person.identityId, failing)).rejects.toThrow('no');
    expect((await see(person.userId)).identities).toHaveLength(1);
  });

  it('of another connection or tenant is not found', async () => {
    const person = await pushPerson();
    const other = await world.addCustomer();
    await expect(remove(person.identityId, {}, other)).rejects.toMatchObject({ code: 'not_found' });
    await expect(remove('nobody')).rejects.toMatchObject({ code: 'not_found' });
    expect((await see(person.userId)).identities).toHaveLength(1);
  });

  it('of one person many times at once is one deletion', async () => {
    const person = await pushPerson();
    const all = await Promise.allSettled(Array.from({ length: 5 }, () => remove(person.identityId)));
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const each of all) if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'not_found' });
  });

  it('reaches no protected user, and never the last owner', async () => {
    const person = await pushPerson();
    await seedGrants(world.rollcall, [{ tenantId: acme.tenantId, userId: person.userId, role: 'owner' }]);
    await expect(remove(person.identityId)).rejects.toMatchObject({ code: 'protected_user' });
    const denied = await state({ displayName: 'Eve' }, { identityId: person.identityId });
    expect(denied).toMatchObject({ outcome: { result: 'failed', problem: { code: 'protected_user' } } });
    await acme.save({ allowPrivileged: true, allowedRoles: ['viewer', 'editor', 'owner'] });
    await expect(remove(person.identityId)).rejects.toMatchObject({ code: 'last_owner' });
    const off = state({ active: false }, { identityId: person.identityId });
    // An admin's grant goes on though the identity is off; it is the change of hands that would park it.
    expect(await off).toMatchObject({ outcome: { result: 'deactivated' } });
    const renamed = state({}, { identityId: person.identityId, externalId: 'u-other' });
    await expect(renamed).rejects.toMatchObject({ code: 'last_owner' });
    const second = await pushPerson();
    await seedGrants(world.rollcall, [{ tenantId: acme.tenantId, userId: second.userId, role: 'owner' }]);
    expect((await remove(person.identityId)).userDeleted).toBe(true);
    await acme.save({ allowPrivileged: false, allowedRoles: ['viewer', 'editor'] });
  });
});

describe('who is created again', () => {
  it('within thirty days keeps the user id, not what admins gave, and logs in with a new token', async () => {
    const person = await pushPerson({ groups: ['engineering'] });
    await enter(person);
    await admin.put(`/users/${person.userId}/roles/viewer`, { reason: 'cover' });
    const gone = await see(person.userId);
    world.clock.pass(2 * SECOND);
    await remove(person.identityId);
    world.clock.pass(20 * DAY);
    const back = await pushAs(person.externalId, { userName: 'back@acme.com', groups: ['engineering'] });
    expect(back.userId).toBe(person.userId);
    expect(back.identityId).not.toBe(person.identityId);
    const user = await see(person.userId);
    expect(user.roles.map(({ key }) => key)).toEqual(['editor']);
    expect(user.version).toBeGreaterThan(gone.version);
    world.clock.pass(2 * SECOND);
    expect((await enter(person)).body.user).toMatchObject({ id: person.userId, roles: ['editor'] });
    const types = (await eventsOf(world.rollcall, person.userId)).map(({ type }) => type);
    expect(types.filter((type) => type === 'user.created' || type === 'user.deleted')).toEqual([
      'user.created',
      'user.deleted',
      'user.created',
    ]);
    expect(await notesOf(person.userId)).toBe(0);
  });

  it('stays suspended: a source lifts no word of an admin', async () => {
    const person = await pushPerson();
    await admin.post(`/users/${person.userId}/suspend`);
    await admin.put(`/users/${person.userId}/blocks/roles/editor`, { reason: 'audit' });
    await remove(person.identityId);
    await pushAs(person.externalId, { groups: ['engineering'] });
    expect(await see(person.userId)).toMatchObject({ suspended: true, blocks: [{ role: 'editor', reason: 'audit' }] });
  });

  it('after thirty days is somebody new, and the note is swept', async () => {
    const person = await pushPerson();
    await remove(person.identityId);
    world.clock.pass(31 * DAY);
    const back = await pushAs(person.externalId, {});
    expect(back.userId).not.toBe(person.userId);
    expect(await notesOf(person.userId)).toBe(1);
    await world.rollcall.app.get(Sweeper).sweep();
    expect(await notesOf(person.userId)).toBe(0);
  });

  it('is somebody new by the same user name, and by the word of an admin who deleted the user', async () => {
    const person = await pushPerson({ userName: 'namesake@acme.com' });
    await remove(person.identityId);
    const other = await pushPerson({ userName: 'namesake@acme.com' });
    expect(other.userId).not.toBe(person.userId);
    const again = await pushAs(person.externalId, {});
    expect(again.userId).toBe(person.userId);
    expect((await admin.delete(`/users/${person.userId}`)).status).toBe(204);
    expect((await pushAs(person.externalId, {})).userId).not.toBe(person.userId);
  });

  it('by five writers at once is one user', async () => {
    const person = await pushPerson();
    await remove(person.identityId);
    const all = await Promise.all(Array.from({ length: 5 }, () => pushAs(person.externalId, { displayName: 'Back' })));
    expect(new Set(all.map(({ userId }) => userId))).toEqual(new Set([person.userId]));
    expect((await see(person.userId)).identities).toHaveLength(1);
  });

  const notesOf = async (userId: string): Promise<number> =>
    (await selectRows(world.rollcall.database.read, 'SELECT userId FROM former_users WHERE userId = ?', [userId]))
      .length;
});

describe('a changed externalId', () => {
  it('ends the session, and what admins gave is parked until one of them confirms it', async () => {
    const person = await pushPerson({ groups: ['engineering'] });
    const session = await enter(person);
    await admin.put(`/users/${person.userId}/roles/viewer`, { reason: 'cover' });
    await admin.put(`/users/${person.userId}/entitlements/report:42`, {});
    expect((await meOf(session.body)).body).toMatchObject({ roles: [{ key: 'editor' }, { key: 'viewer' }] });
    world.clock.pass(2 * SECOND);
    const stale = acme.token({ sub: `s-${person.externalId}`, oid: 'x-1' });
    world.clock.pass(2 * SECOND);
    await state({}, { identityId: person.identityId, externalId: 'x-1' });
    expect((await meOf(session.body)).status).toBe(401);

    const parked = await see(person.userId);
    expect(parked.identities).toMatchObject([{ externalId: 'x-1', subject: null, notBefore: expect.any(String) }]);
    expect(parked.roles).toMatchObject([
      { key: 'editor', effective: true, grants: [{ counts: true }] },
      { key: 'viewer', effective: false, grants: [{ counts: false, parked: true, source: { reason: 'cover' } }] },
    ]);
    expect(parked.entitlements).toMatchObject([{ key: 'report:42', effective: false, grants: [{ parked: true }] }]);
    const holders = await admin.get<{ items: UserView[] }>('/users?role=viewer');
    expect(holders.body.items.map(({ id }) => id)).not.toContain(person.userId);

    // The old account's token, bound to nobody any more, and the new one's.
    expect((await world.login(stale)).status).toBe(401);
    world.clock.pass(2 * SECOND);
    const other = await acme.login({ sub: 's-other', oid: 'x-1' });
    expect(other.body.user).toMatchObject({ id: person.userId, roles: ['editor'] });
    expect((await meOf(other.body)).body).toMatchObject({
      roles: [{ key: 'editor' }],
      withheld: [
        { kind: 'entitlement', key: 'report:42', reason: 'parked' },
        { kind: 'role', key: 'viewer', reason: 'parked' },
      ],
    });

    const one = await admin.post<UserView>(`/users/${person.userId}/grants/confirm`, {
      roles: ['viewer'],
      reason: 'the same person',
    });
    expect(one).toMatchObject({ status: 200, body: { roles: [{}, { key: 'viewer', effective: true }] } });
    expect(one.headers.get('etag')).toBe(`"${one.body.version}"`);
    expect((await meOf(other.body)).body).toMatchObject({ roles: [{ key: 'editor' }, { key: 'viewer' }] });
    const gone = await admin.delete<UserView>(`/users/${person.userId}/entitlements/report:42`);
    expect(gone.body.entitlements).toEqual([]);
    const events = (await eventsOf(world.rollcall, person.userId)).slice(-4);
    expect(events.map(({ type, via, reason }) => [type, via, reason])).toEqual([
      ['user.grants_parked', 'scim', null],
      ['user.updated', 'login', null],
      ['user.grants_confirmed', 'rest', 'the same person'],
      ['user.roles_changed', 'rest', null],
    ]);
  });

  it('confirms all at once, or nothing where one is named that does not wait', async () => {
    const person = await pushPerson();
    await admin.put(`/users/${person.userId}/roles/viewer`, {});
    await admin.put(`/users/${person.userId}/roles/editor`, {});
    await state({}, { identityId: person.identityId, externalId: 'x-2' });
    const path = `/users/${person.userId}/grants/confirm`;
    expect((await admin.post(path, { roles: ['viewer', 'auditor'] })).status).toBe(404);
    expect((await admin.post(path, { roles: 'viewer' })).status).toBe(400);
    const { version } = await see(person.userId);
    expect((await admin.post(path, {}, { 'if-match': `"${version - 1}"` })).status).toBe(412);
    const all = await admin.post<UserView>(path);
    expect(all.body.roles.map(({ effective }) => effective)).toEqual([true, true]);
    expect(await see(person.userId)).toEqual(all.body);
    expect((await admin.post<UserView>(path)).body.version).toBe(all.body.version);
  });

  it('is confirmed by nobody who could not grant it, and granting it anew confirms it', async () => {
    const person = await pushPerson();
    await seedGrants(world.rollcall, [{ tenantId: acme.tenantId, userId: person.userId, role: 'auditor' }]);
    await admin.put(`/users/${person.userId}/roles/viewer`, { reason: 'cover' });
    await state({}, { identityId: person.identityId, externalId: 'x-3', guarded: false });
    const path = `/users/${person.userId}/grants/confirm`;
    const manager = await acme.client('users:read', 'roles:grant');
    expect(await manager.post(path)).toMatchObject({ status: 403, body: { code: 'may_not_grant' } });
    const reader = await acme.client('users:read');
    expect((await reader.post(path)).status).toBe(403);
    const stranger = await world.addCustomer();
    expect((await (await stranger.client('roles:grant')).post(path)).status).toBe(404);
    const anew = await manager.put<UserView>(`/users/${person.userId}/roles/viewer`, { reason: 'cover' });
    expect(anew.body.roles).toMatchObject([
      { key: 'auditor', effective: false },
      { key: 'viewer', effective: true },
    ]);
  });
});
