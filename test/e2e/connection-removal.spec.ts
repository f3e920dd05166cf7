import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Clock, HOUR } from '../../src/platform/clock.js';
import { permissions } from '../../src/platform/permissions.js';
import { createTenant, insertPeople, insertSession, sessionOf } from '../support/connection-rows.js';
import type { HttpClient } from '../support/http-client.js';
import { seedGrants, seedUser } from '../support/seed.js';
import { seedFullConnection } from '../support/seed-customer.js';
import { startApp, type TestApp } from '../support/start-app.js';

const ALL = ['connections:read', 'connections:write', 'connections:trust'];

describe('a connection that is no longer wanted', () => {
  let rollcall: TestApp;
  beforeAll(async () => {
    rollcall = await startApp();
  });
  afterAll(() => rollcall.stop());

  async function createConnection(): Promise<{ tenantId: string; http: HttpClient; id: string }> {
    const tenantId = await createTenant(rollcall, ['viewer']);
    const http = await rollcall.clientWith(tenantId, ALL);
    const body = { name: 'Acme', issuer: 'https://acme.example.com', audiences: ['rollcall'] };
    const { id } = (await http.post<{ id: string }>('/connections', body)).body;
    return { tenantId, http, id };
  }

  async function select(sql: string, ...values: string[]): Promise<Record<string, unknown>[]> {
    return rollcall.database.read.query(sql, values);
  }

  it('is disabled with its sessions, and enabled again only by trust', async () => {
    const { tenantId, http, id } = await createConnection();
    const session = await insertSession(rollcall, tenantId, id);
    const writer = await rollcall.clientWith(tenantId, ['connections:write']);
    expect((await writer.post(`/connections/${id}/disable`)).body).toMatchObject({ status: 'disabled', version: 2 });
    expect((await writer.post(`/connections/${id}/disable`)).body).toMatchObject({ status: 'disabled', version: 2 });
    expect(await sessionOf(rollcall, session)).toMatchObject({ endReason: 'connection_changed' });
    expect((await writer.post(`/connections/${id}/enable`)).status).toBe(403);
    expect((await http.post(`/connections/${id}/enable`)).body).toMatchObject({ status: 'active', version: 3 });
    const events = await select(`SELECT type FROM events WHERE tenantId = ? ORDER BY id`, tenantId);
    expect(events.map((each) => each.type)).toEqual([
      'connection.created',
      'connection.disabled',
      'connection.enabled',
    ]);
  });

  it('is deleted at once when nobody depends on it', async () => {
    const { tenantId, http, id } = await createConnection();
    expect((await http.delete(`/connections/${id}`, { 'if-match': '"7"' })).status).toBe(412);
    expect((await http.delete(`/connections/${id}`, { 'if-match': '"1"' })).status).toBe(204);
    expect((await http.get(`/connections/${id}`)).status).toBe(404);
    expect((await http.delete(`/connections/${id}`)).status).toBe(404);
    expect(await select('SELECT version FROM mapping_versions WHERE tenantId = ?', tenantId)).toEqual([]);
  });

  it('is deleted with its people’s identities and grants only by force, and takes nothing else', async () => {
    const { tenantId, http, id } = await createConnection();
    const users = await insertPeople(rollcall, tenantId, id, 1200);
    const session = await insertSession(rollcall, tenantId, id);
    await rollcall.clientWith(tenantId, ALL, id);
    expect(await http.delete(`/connections/${id}`)).toMatchObject({
      status: 409,
      body: {
        code: 'connection_in_use',
        inUse: { identities: 1200, grants: 1200, sessions: 1, apiKeys: 1 },
      },
    });
    expect((await http.get(`/connections/${id}`)).body).toMatchObject({ status: 'active', version: 1 });
    expect((await http.delete(`/connections/${id}?force=true`)).status).toBe(204);
    expect(await select('SELECT id FROM identities WHERE tenantId = ?', tenantId)).toEqual([]);
    const grants = await select('SELECT sourceId FROM grants WHERE tenantId = ?', tenantId);
    expect(grants).toHaveLength(1200);
    expect(new Set(grants.map((each) => each.sourceId))).toEqual(new Set(['admin']));
    const versions = await select('SELECT id, version FROM users WHERE tenantId = ?', tenantId);
    expect(new Set(versions.map((each) => each.id))).toEqual(new Set(users));
    expect(new Set(versions.map((each) => Number(each.version)))).toEqual(new Set([2]));
    expect(await sessionOf(rollcall, session)).toMatchObject({ endReason: 'deleted' });
    const keys = await select(
      'SELECT connectionId FROM api_keys WHERE tenantId = ? AND revokedAt IS NOT NULL',
      tenantId,
    );
    expect(keys).toEqual([{ connectionId: id }]);
    const events = await select(
      `SELECT type, COUNT(*) AS times FROM events WHERE tenantId = ? GROUP BY type ORDER BY type`,
      tenantId,
    );
    expect(events.map((each) => [each.type, Number(each.times)])).toEqual([
      ['connection.created', 1],
      ['connection.deleted', 1],
      ['connection.disabled', 1],
      ['user.roles_changed', 1200],
    ]);
  });

  it('stays as it is while nobody but its people is an owner', async () => {
    const { tenantId, http, id } = await createConnection();
    const [userId = ''] = await insertPeople(rollcall, tenantId, id, 1);
    const [identity] = await select('SELECT id FROM identities WHERE connectionId = ?', id);
    const session = await insertSession(rollcall, tenantId, id);
    const bob = await seedUser(rollcall, tenantId, 'bob');
    await seedGrants(rollcall, [
      { tenantId, userId, role: 'owner', identityId: String(identity?.id) },
      { tenantId, userId: bob, role: 'owner', until: rollcall.app.get(Clock).now() + HOUR },
    ]);
    const refused = await http.delete(`/connections/${id}?force=true`);
    expect(refused).toMatchObject({ status: 409, body: { code: 'last_owner' } });
    expect((await http.get(`/connections/${id}`)).body).toMatchObject({ status: 'active', version: 1 });
    expect(await sessionOf(rollcall, session)).toMatchObject({ endedAt: null });
    expect(await select('SELECT id FROM identities WHERE connectionId = ?', id)).toHaveLength(1);
    await seedGrants(rollcall, [{ tenantId, userId, role: 'owner' }]);
    expect((await http.delete(`/connections/${id}?force=true`)).status).toBe(204);
  });

  it('leaves no address verified that it alone called so, and the word of an admin', async () => {
    const tenantId = await createTenant(rollcall, ['viewer']);
    const http = await rollcall.clientWith(tenantId, Object.keys(permissions));
    const id = await seedFullConnection(rollcall, tenantId, {});
    const ada = { externalId: 'ada', email: 'ada@acme.com', emailVerified: true };
    const pushed = await http.post<{ results: { userId: string }[] }>('/users/sync', {
      connection: id,
      users: [ada, { externalId: 'bob' }],
    });
    expect(pushed).toMatchObject({ status: 200, body: { counts: { created: 2 } } });
    const [adaId, bobId] = pushed.body.results.map(({ userId }) => userId);
    await http.patch(`/users/${bobId}`, { email: 'bob@acme.com', emailVerified: true });
    expect((await http.get(`/users/${adaId}`)).body).toMatchObject({ emailVerified: true });
    expect((await http.delete(`/connections/${id}?force=true`)).status).toBe(204);
    const left = { email: 'ada@acme.com', emailVerified: false, version: 2 };
    expect((await http.get(`/users/${adaId}`)).body).toMatchObject(left);
    expect((await http.get(`/users/${bobId}`)).body).toMatchObject({ email: 'bob@acme.com', emailVerified: true });
    const [told] = await select('SELECT fields FROM events WHERE subjectId = ? AND subjectVersion = 2', String(adaId));
    expect(JSON.parse(String(told?.fields))).toContain('emailVerified');
  });
});
