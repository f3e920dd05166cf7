import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/platform/ids.js';
import { permissions } from '../../src/platform/permissions.js';
import { selectRows } from '../../src/platform/sql.js';
import { hashSubject } from '../../src/records/users/identity-traces.js';
import type { UserView } from '../../src/records/users/user-view.dto.js';
import type { HttpClient } from '../support/http-client.js';
import { seedConnection } from '../support/seed-connection.js';
import { seedPersons, seedTenantWithRoles } from '../support/seed-persons.js';
import { startApp, type TestApp } from '../support/start-app.js';
import { endReasonOf, eventsOf, seedSession } from '../support/stored.js';

const EVERYTHING = Object.keys(permissions);
const MANAGER = ['users:read', 'users:write', 'roles:grant'];

describe('users by hand', () => {
  let rollcall: TestApp;
  let tenantId: string;
  let owner: HttpClient;
  let manager: HttpClient;
  let stranger: HttpClient;

  beforeAll(async () => {
    rollcall = await startApp();
    tenantId = await seedTenantWithRoles(rollcall, 'acme');
    const other = await seedTenantWithRoles(rollcall, 'other');
    owner = await rollcall.clientWith(tenantId, EVERYTHING);
    manager = await rollcall.clientWith(tenantId, MANAGER);
    stranger = await rollcall.clientWith(other, EVERYTHING);
    await seedPersons(rollcall, tenantId, [{ userName: 'the-owner', roles: ['owner'] }]);
  });
  afterAll(() => rollcall.stop());

  const seed = async (one: Parameters<typeof seedPersons>[2][number]): Promise<string> => {
    const [id] = await seedPersons(rollcall, tenantId, [one]);
    return id ?? '';
  };

  it('creates a user, shows it and writes the event with the reason', async () => {
    const body = { userName: 'Ada', email: 'Ada@Example.com', attributes: { department: 'R&D' }, reason: 'new hire' };
    const made = await manager.post<UserView>('/users', body);
    expect(made.status).toBe(201);
    expect(made.headers.get('etag')).toBe('"1"');
    expect(made.body).toMatchObject({
      userName: 'Ada',
      email: 'Ada@Example.com',
      emailVerified: false,
      suspended: false,
      attributes: { department: 'R&D' },
      version: 1,
      identities: [],
      roles: [],
      entitlements: [],
      blocks: [],
    });
    const shown = await manager.get<UserView>(`/users/${made.body.id}`);
    expect(shown.body).toEqual(made.body);
    expect(await eventsOf(rollcall, made.body.id)).toMatchObject([
      { type: 'user.created', reason: 'new hire', actorType: 'api-key', via: 'rest', subjectVersion: 1 },
    ]);
  });

  it('changes a profile once, and by the version that was read', async () => {
    const id = await seed({ userName: 'grace', email: 'grace@example.com', emailVerified: true });
    const changed = await manager.patch<UserView>(
      `/users/${id}`,
      { email: 'hopper@example.com', displayName: 'Grace', attributes: { a: 1 } },
      { 'if-match': '"1"' },
    );
    expect(changed.status).toBe(200);
    expect(changed.body).toMatchObject({ email: 'hopper@example.com', emailVerified: false, version: 2 });
    expect((await manager.patch(`/users/${id}`, { displayName: 'x' }, { 'if-match': '"1"' })).status).toBe(412);
    const same = await manager.patch<UserView>(`/users/${id}`, { displayName: 'Grace' });
    expect(same.body.version).toBe(2);
    const events = await eventsOf(rollcall, id);
    expect(events.map(({ type }) => type)).toEqual(['user.created', 'user.updated']);
    expect(JSON.parse(String(events[1]?.fields))).toEqual(['attributes.a', 'displayName', 'email', 'emailVerified']);
  });

  it('refuses to change what a connection states, and names both; other fields are free', async () => {
    const connectionId = await seedConnection(rollcall, tenantId, 'okta');
    const push = { at: 1000, values: { email: 'kay@example.com', 'attributes.department': 'R&D' } };
    const id = await seed({
      userName: 'kay',
      email: 'kay@example.com',
      attributes: { department: 'R&D' },
      identities: [{ connectionId, externalId: 'kay', facts: { push, token: null } }],
    });
    const body = { email: 'x@example.com', attributes: { department: 'HR' }, displayName: 'Kay' };
    const refused = await manager.patch(`/users/${id}`, body);
    expect(refused.status).toBe(409);
    expect(refused.body).toMatchObject({
      code: 'owned_by_connection',
      field: 'email',
      connection: connectionId,
      faults: [{ pointer: '/email' }, { pointer: '/attributes/department' }],
    });
    const free = await manager.patch<UserView>(`/users/${id}`, { email: 'kay@example.com', displayName: 'Kay' });
    expect(free.body).toMatchObject({ displayName: 'Kay', version: 2 });
  });

  it('suspends: sessions end and no token from before logs in, in the same transaction', async () => {
    const id = await seed({ userName: 'lin', identities: [{ subject: 'lin' }] });
    const session = await seedSession(rollcall, tenantId, id);
    const done = await manager.post<UserView>(`/users/${id}/suspend`, { reason: 'left the building' });
    expect(done.status).toBe(200);
    expect(done.body).toMatchObject({ suspended: true, version: 2 });
    expect(done.body.identities[0]?.notBefore).not.toBeNull();
    expect(await endReasonOf(rollcall, session)).toBe('suspended');
    const back = await manager.post<UserView>(`/users/${id}/unsuspend`);
    expect(back.body).toMatchObject({ suspended: false, version: 3 });
    expect(back.body.identities[0]?.notBefore).toBe(done.body.identities[0]?.notBefore);
    expect((await eventsOf(rollcall, id)).map(({ type, reason }) => [type, reason])).toEqual([
      ['user.created', null],
      ['user.suspended', 'left the building'],
      ['user.unsuspended', null],
    ]);
  });

  it('deletes with everything held, and leaves a hashed trace of the identity (G7)', async () => {
    const connectionId = await seedConnection(rollcall, tenantId, 'entra');
    const id = await seed({
      userName: 'max',
      roles: ['viewer'],
      given: ['editor'],
      identities: [{ connectionId, subject: 'sub-max' }],
    });
    const session = await seedSession(rollcall, tenantId, id);
    expect((await manager.delete(`/users/${id}?reason=gone`)).status).toBe(204);
    expect((await manager.get(`/users/${id}`)).status).toBe(404);
    expect((await manager.delete(`/users/${id}`)).status).toBe(404);
    expect(await endReasonOf(rollcall, session)).toBe('deleted');
    for (const table of ['grants', 'identities']) {
      expect(await selectRows(rollcall.database.read, `SELECT * FROM ${table} WHERE userId = ?`, [id])).toEqual([]);
    }
    const sql = 'SELECT * FROM identity_traces WHERE connectionId = ?';
    const [trace] = await selectRows(rollcall.database.read, sql, [connectionId]);
    expect(trace?.subjectHash).toBe(hashSubject('sub-max'));
    expect(Number(trace?.expiresAt) - Number(trace?.notBefore)).toBe((3600 + 7200 + 60) * 1e6);
    const events = await eventsOf(rollcall, id);
    expect(events.at(-1)).toMatchObject({ type: 'user.deleted', reason: 'gone' });
    const told = events.at(-1)?.personal as { revoked: { key: string }[] } | undefined;
    expect(told?.revoked.map(({ key }) => key).sort()).toEqual(['editor', 'viewer']);
  });

  it('erases the personal parts of the ledger only where asked', async () => {
    const id = await seed({ userName: 'eve', roles: ['viewer'] });
    expect((await manager.delete(`/users/${id}?erase=true`)).status).toBe(204);
    const events = await eventsOf(rollcall, id);
    expect(events.map(({ type, personal }) => [type, personal])).toEqual([
      ['user.created', null],
      ['user.deleted', null],
      ['user.erased', null],
    ]);
  });

  it('lets nobody suspend, delete or rename a user who holds more than they do', async () => {
    const id = await seed({ userName: 'boss', roles: ['admin'] });
    for (const answer of [
      await manager.post(`/users/${id}/suspend`),
      await manager.delete(`/users/${id}`),
      await manager.patch(`/users/${id}`, { email: 'mine@example.com' }),
    ]) {
      expect(answer.status).toBe(403);
      expect(answer.body).toMatchObject({ code: 'forbidden' });
    }
    expect((await manager.patch(`/users/${id}`, { displayName: 'Boss' })).status).toBe(200);
    expect((await owner.post(`/users/${id}/suspend`)).status).toBe(200);
  });

  it('keeps the last owner, even when two owners are removed at once', async () => {
    const lonely = await seedTenantWithRoles(rollcall, 'lonely');
    const root = await rollcall.clientWith(lonely, EVERYTHING);
    const [a = '', b = ''] = await seedPersons(rollcall, lonely, [
      { userName: 'a', roles: ['owner'] },
      { userName: 'b', roles: ['owner'] },
    ]);
    const both = await Promise.all([root.post(`/users/${a}/suspend`), root.delete(`/users/${b}`)]);
    expect(both.filter(({ status }) => status === 409)).toMatchObject([{ body: { code: 'last_owner' } }]);
    const [left] = [a, b].filter((_, place) => both[place]?.status === 409);
    expect((await root.delete(`/users/${left}/roles/owner`)).body).toMatchObject({ code: 'last_owner' });
    expect((await root.put(`/users/${left}/blocks/roles/owner`)).body).toMatchObject({ code: 'last_owner' });
  });

  it.each([
    ['GET', '', 'users:read'],
    ['GET', '/ID', 'users:read'],
    ['POST', '', 'users:write'],
    ['PATCH', '/ID', 'users:write'],
    ['DELETE', '/ID', 'users:write'],
    ['POST', '/ID/suspend', 'users:write'],
    ['POST', '/ID/unsuspend', 'users:write'],
    ['PUT', '/ID/roles/viewer', 'roles:grant'],
    ['DELETE', '/ID/roles/viewer', 'roles:grant'],
    ['PUT', '/ID/entitlements/x', 'roles:grant'],
    ['DELETE', '/ID/entitlements/x', 'roles:grant'],
    ['PUT', '/ID/blocks/roles/viewer', 'roles:grant'],
    ['DELETE', '/ID/blocks/roles/viewer', 'roles:grant'],
    ['PUT', '/ID/blocks/entitlements/x', 'roles:grant'],
    ['DELETE', '/ID/blocks/entitlements/x', 'roles:grant'],
    ['POST', '/ID/merge', 'identities:link'],
    ['POST', '/ID/identities/ID/split', 'identities:link'],
    ['GET', '/export', 'users:export'],
    ['GET', '/ID/record', 'users:export'],
  ])('%s /users%s needs %s, and a foreign tenant finds nothing there', async (method, path, permission) => {
    const id = await seed({ userName: 'target', roles: ['viewer'], identities: [{}] });
    const before = (await owner.get(`/users/${id}`)).body;
    const address = `/users${path.replaceAll('ID', id)}`;
    const poor = await rollcall.clientWith(
      tenantId,
      EVERYTHING.filter((each) => each !== permission && each !== 'sync:read'),
    );
    const denied = await poor.send<Record<string, unknown>>(method, address, undefined, {});
    expect(denied.status).toBe(403);
    expect(denied.body.permission).toBe(permission);
    if (path.startsWith('/ID')) {
      const body = path.endsWith('merge') ? { from: newId() } : method === 'PATCH' ? { displayName: 'x' } : undefined;
      expect((await stranger.send(method, address, body, {})).status).toBe(404);
      const badId = await owner.send(method, address.replaceAll(id, "1' OR '1'='1"), body, {});
      expect(badId.status).toBe(404);
    }
    expect((await owner.get(`/users/${id}`)).body).toEqual(before);
  });

  it.each<[string, unknown, string]>([
    ['a name of 10,000 characters', { userName: 'x'.repeat(10_000) }, '/userName'],
    ['a name that folds to more than fits', { userName: '\ufdfa'.repeat(200) }, '/userName'],
    ['NUL', { userName: 'a\0b' }, '/userName'],
    ['half a surrogate pair', '{"userName":"a\\ud800"}', '/userName'],
    ['a trailing space', { userName: 'admin ' }, '/userName'],
    ['an empty name', { userName: '' }, '/userName'],
    ['a missing name', {}, '/userName'],
    ['a number for a name', { userName: 5 }, '/userName'],
    ['an unknown field', { userName: 'a', roles: ['owner'] }, '/roles'],
    ['an address that is none', { userName: 'a', email: 'a@b@c' }, '/email'],
    ['a text for a flag', { userName: 'a', emailVerified: 'false' }, '/emailVerified'],
    ['a list for attributes', { userName: 'a', attributes: [] }, '/attributes'],
    ['a surrogate in an attribute', '{"userName":"a","attributes":{"x":"\\udfff"}}', '/attributes/x'],
    ['an attribute without a name', { userName: 'a', attributes: { '': 1 } }, '/attributes'],
    ['an attribute nested too deep', { userName: 'a', attributes: { a: [[[[[1]]]]] } }, '/attributes'],
    ['a reason of 501 characters', { userName: 'a', reason: 'x'.repeat(501) }, '/reason'],
  ])('refuses %s and names the field', async (_, body, pointer) => {
    const answer = await manager.post<{ faults: { pointer: string }[] }>('/users', body);
    expect(answer.status).toBe(400);
    expect(answer.body.faults.map((each) => each.pointer)).toContain(pointer);
  });

  it.each(['[]', '[{"userName":"a"}]', '"text"', '5', 'null', 'true', ''])(
    'refuses the body %j, which is no object',
    async (body) => {
      expect((await manager.post('/users', body)).status).toBe(400);
    },
  );

  it('names every fault at once', async () => {
    const answer = await manager.post<{ faults: unknown[] }>('/users', { userName: 1, email: 2, more: 3 });
    expect(answer.body.faults).toHaveLength(3);
  });

  it('takes look-alikes for different people, and letters in either case for the same', async () => {
    for (const userName of ['paypal', 'p\u0430ypal', 'jose', 'josé']) await seed({ userName });
    const names = async (q: string): Promise<unknown[]> =>
      (await manager.get<{ items: UserView[] }>(`/users?q=${encodeURIComponent(q)}`)).body.items.map(
        (each) => each.userName,
      );
    expect(await names('PayPal')).toEqual(['paypal']);
    expect(await names('p\u0430ypal')).toEqual(['p\u0430ypal']);
    expect(await names('JOSE')).toEqual(['jose']);
    expect(await names('JOSÉ')).toEqual(['josé']);
    expect(await names('jos')).toEqual(['jose', 'josé']);
  });
});
