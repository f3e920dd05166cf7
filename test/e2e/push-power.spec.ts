import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { GrantEntity } from '../../src/records/users/grant.entity.js';
import type { HttpClient } from '../support/http-client.js';
import { seedFullConnection } from '../support/seed-customer.js';
import { seedTenant } from '../support/seed.js';
import { sendStream, toLines } from '../support/send-stream.js';
import { HandClock, SessionWorld } from '../support/session-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

const PUSHING = ['users:sync', 'scim:write', 'api-keys:read', 'api-keys:write'];

describe('nobody becomes more than they are by a push', () => {
  let rollcall: TestApp;
  let world: SessionWorld;
  let trusted: string;
  let ordinary: string;
  let admin: HttpClient;
  let boss: HttpClient;

  beforeAll(async () => {
    rollcall = await startApp();
    world = await new SessionWorld(rollcall, new HandClock(rollcall)).build();
    await world.addRole('pusher', PUSHING);
    await world.addRole('boss', [...PUSHING, 'connections:trust']);
    const { tenantId } = world;
    const roles = ['pusher', 'boss', 'editor'];
    trusted = await seedFullConnection(rollcall, tenantId, { allowedRoles: roles, allowPrivileged: true });
    ordinary = await seedFullConnection(rollcall, tenantId, { allowedRoles: roles });
    const enter = async (role: string) => rollcall.http.as((await world.open(await world.addUser(role))).accessToken);
    admin = await enter('pusher');
    boss = await enter('boss');
  });
  afterAll(() => rollcall.stop());

  const granted = async (connectionId: string) =>
    (await rollcall.database.read.findBy(GrantEntity, { connectionId })).map(({ heldKey }) => heldKey).sort();
  const push = (who: HttpClient, connection: string, role: string) =>
    who.post('/users/sync', { connection, users: [{ externalId: `x-${role}`, roles: [role] }] });
  const refusal = { status: 403, body: { code: 'may_not_grant', permissions: ['connections:trust'] } };

  it('E7 a user pushes for no connection that grants what they do not hold', async () => {
    expect(await push(admin, trusted, 'boss')).toMatchObject(refusal);
    const lines = toLines([{ externalId: 'x-boss', roles: ['boss'] }]);
    expect(await sendStream(admin, lines, `?connection=${trusted}`)).toMatchObject(refusal);
    expect(await granted(trusted)).toEqual([]);
    expect(await push(boss, trusted, 'boss')).toMatchObject({ status: 200, body: { counts: { created: 1 } } });
    expect(await granted(trusted)).toEqual(['boss']);
  });

  it('a user pushes for a connection that grants no more than they hold', async () => {
    expect(await push(admin, ordinary, 'editor')).toMatchObject({ status: 200, body: { counts: { created: 1 } } });
    expect(await granted(ordinary)).toEqual(['editor']);
    // What a role that only reads lets its holder see is no power over others.
    await world.addRole('reader', ['audit:read']);
    const equal = await seedFullConnection(rollcall, world.tenantId, {
      allowedRoles: ['pusher', 'reader'],
      allowPrivileged: true,
    });
    expect((await push(admin, equal, 'pusher')).status).toBe(200);
    expect(await granted(equal)).toEqual(['pusher']);
  });

  it('E7 an operator inside a tenant pushes nobody above themselves', async () => {
    const platform = await seedTenant(rollcall, 'platform');
    const operator = await rollcall.clientWith(platform.id, ['tenants:access']);
    const entered = await operator.post<{ key: string }>(`/tenants/${world.tenantId}/access`, { reason: 'ticket 7' });
    const inside = rollcall.http.as(entered.body.key);
    const refused = { ...refusal, body: { ...refusal.body, permissions: ['api-keys:write', 'connections:trust'] } };
    expect(await push(inside, trusted, 'boss')).toMatchObject(refused);
    expect(
      await sendStream(inside, toLines([{ externalId: 'op', roles: ['boss'] }]), `?connection=${trusted}`),
    ).toMatchObject(refused);
    expect((await push(inside, ordinary, 'editor')).status).toBe(200);
  });

  describe.each(['users:sync', 'scim:write'])('a key with %s', (scope) => {
    const body = (connection?: string) => ({ name: 'k', scopes: [scope], ...(connection ? { connection } : {}) });

    it('E7 is made and rotated for such a connection only by who holds what it grants', async () => {
      expect(await admin.post('/api-keys', body(trusted))).toMatchObject(refusal);
      const made = await boss.post<{ id: string }>('/api-keys', body(trusted));
      expect(made.status).toBe(201);
      expect(await admin.post(`/api-keys/${made.body.id}/rotate`, {})).toMatchObject(refusal);
      expect((await boss.post(`/api-keys/${made.body.id}/rotate`, {})).status).toBe(201);
    });

    it('E7 that is bound to no connection speaks for all', async () => {
      expect(await admin.post('/api-keys', body())).toMatchObject(refusal);
      expect((await boss.post('/api-keys', body())).status).toBe(201);
    });

    it('is made and rotated for another connection by whoever holds the scope', async () => {
      const made = await admin.post<{ id: string }>('/api-keys', body(ordinary));
      expect(made.status).toBe(201);
      expect((await admin.post(`/api-keys/${made.body.id}/rotate`, {})).status).toBe(201);
    });
  });

  it('the key of a machine pushes what its connection may grant, and makes keys that push no more', async () => {
    const machine = await rollcall.clientWith(world.tenantId, PUSHING, trusted);
    expect(await push(machine, trusted, 'editor')).toMatchObject({ status: 200 });
    expect((await machine.post('/api-keys', { name: 'k', scopes: ['users:sync'], connection: trusted })).status).toBe(
      201,
    );
  });
});
