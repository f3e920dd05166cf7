import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Clock, HOUR, MINUTE, SECOND } from '../../src/platform/clock.js';
import { EventEntity } from '../../src/ledger/event.entity.js';
import { ApiKeyEntity } from '../../src/records/api-keys/api-key.entity.js';
import { ReadTogether } from '../../src/platform/read-together.js';
import type { HttpClient } from '../support/http-client.js';
import { seedConnection, seedTenant } from '../support/seed.js';
import { startApp, type TestApp } from '../support/start-app.js';

const HELD = ['api-keys:read', 'api-keys:write', 'users:read', 'users:sync'];

describe('/api-keys', () => {
  let rollcall: TestApp;
  let tenantId: string;
  let admin: HttpClient;
  let foreign: HttpClient;
  beforeAll(async () => {
    rollcall = await startApp();
    tenantId = (await seedTenant(rollcall, 'acme')).id;
    admin = await rollcall.clientWith(tenantId, HELD);
    foreign = await rollcall.clientWith((await seedTenant(rollcall, 'other')).id, HELD);
  });
  afterAll(() => rollcall.stop());

  const make = async (more: object = {}, by = admin) => {
    const made = await by.post('/api-keys', { name: 'batch', scopes: ['api-keys:read'], ...more });
    expect(made.status).toBe(201);
    return { id: String(made.body.id), key: String(made.body.key), body: made.body };
  };

  it('G1 shows a key once, and stores its hash', async () => {
    const { id, key, body } = await make();
    expect(body).toMatchObject({ name: 'batch', scopes: ['api-keys:read'], connection: null, expiresAt: null });
    expect(String(body.prefix)).toBe(`${key.slice(0, 11)}…`);
    const read = await admin.get(`/api-keys/${id}`);
    expect(read.body).toMatchObject({ id, prefix: body.prefix });
    expect(read.body).not.toHaveProperty('key');
    const list = await admin.get('/api-keys?limit=200');
    const secret = key.slice(12, 55);
    expect(JSON.stringify(list.body) + JSON.stringify(read.body)).not.toContain(secret);
    for (const { name } of await tablesOf(rollcall)) {
      const rows: unknown = await rollcall.database.read.query(`SELECT * FROM ${name}`);
      expect(JSON.stringify(rows)).not.toContain(secret);
    }
  });

  it('G1 a key opens what its scopes name, and no more', async () => {
    const { key } = await make();
    expect((await rollcall.http.as(key).get('/api-keys')).status).toBe(200);
    expect(await rollcall.http.as(key).post('/api-keys', {})).toMatchObject({
      status: 403,
      body: { permission: 'api-keys:write' },
    });
  });

  it('a mistyped key is refused without a database read', async () => {
    const { key } = await make();
    const reads = jest.spyOn(ReadTogether.prototype, 'find');
    const wrong = key.slice(0, -1) + (key.endsWith('a') ? 'b' : 'a');
    expect((await rollcall.http.as(wrong).get('/api-keys')).status).toBe(401);
    expect(reads).not.toHaveBeenCalled();
    expect((await rollcall.http.as(key).get('/api-keys')).status).toBe(200);
    expect(reads).toHaveBeenCalled();
    reads.mockRestore();
  });

  it('G1 nobody gives a key what they do not hold', async () => {
    expect(await admin.post('/api-keys', { name: 'x', scopes: ['users:write', 'users:read'] })).toMatchObject({
      status: 403,
      body: { code: 'may_not_grant', permissions: ['users:write'] },
    });
    const { id } = await make({ scopes: ['users:sync'] });
    const weak = await rollcall.clientWith(tenantId, ['api-keys:write']);
    expect((await weak.post(`/api-keys/${id}/rotate`)).status).toBe(403);
  });

  it('is bound to a connection of the tenant, and so are the keys that it makes', async () => {
    const connection = await seedConnection(rollcall, tenantId);
    const { body, key } = await make({ connection, scopes: ['api-keys:write'] });
    expect(body.connection).toBe(connection);
    expect(await rollcall.http.as(key).post('/api-keys', { name: 'wide', scopes: ['api-keys:write'] })).toMatchObject({
      status: 403,
      body: { code: 'may_not_grant' },
    });
    await make({ connection, scopes: ['api-keys:write'] }, rollcall.http.as(key));
    const { id } = await make();
    for (const answer of [
      await rollcall.http.as(key).delete(`/api-keys/${id}`),
      await rollcall.http.as(key).patch(`/api-keys/${id}`, { name: 'mine' }),
    ]) {
      expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
    // The answer of a rotation hands out a key as free as the old one.
    const { body: free } = await make({ scopes: ['api-keys:write'] });
    expect(await rollcall.http.as(key).post(`/api-keys/${String(free.id)}/rotate`, {})).toMatchObject({
      status: 403,
      body: { code: 'may_not_grant' },
    });
    expect((await rollcall.http.as(key).patch(`/api-keys/${String(body.id)}`, { name: 'mine' })).status).toBe(200);
    expect((await rollcall.http.as(key).delete(`/api-keys/${String(body.id)}`)).status).toBe(204);
    expect(await foreign.post('/api-keys', { name: 'x', scopes: ['users:sync'], connection })).toMatchObject({
      status: 400,
      body: { faults: [{ pointer: '/connection' }] },
    });
  });

  it('every fault of a body is named', async () => {
    const shape = await admin.post('/api-keys', { scopes: [], tenant: 'x' });
    const pointers = (shape.body.faults as { pointer: string }[]).map((fault) => fault.pointer);
    expect(new Set(pointers)).toEqual(new Set(['/name', '/scopes', '/tenant']));
    const meaning = await admin.post('/api-keys', {
      name: 'x',
      scopes: ['users:read', 'reports:read'],
      connection: 'nowhere',
      expiresAt: '2020-01-01T00:00:00Z',
    });
    expect(meaning.body.faults).toMatchObject([
      { pointer: '/scopes/1' },
      { pointer: '/expiresAt' },
      { pointer: '/connection' },
    ]);
    expect((await admin.post('/api-keys', { name: 'x', scopes: ['users:read'], expiresAt: 'soon' })).status).toBe(400);
  });

  it('G1 an expired key is refused', async () => {
    const clock = rollcall.app.get(Clock);
    const { key } = await make({ expiresAt: new Date(Date.now() + 3_600_000).toISOString() });
    expect((await rollcall.http.as(key).get('/api-keys')).status).toBe(200);
    const later = clock.now() + HOUR + SECOND;
    const now = jest.spyOn(clock, 'now').mockReturnValue(later);
    expect((await rollcall.http.as(key).get('/api-keys')).status).toBe(401);
    now.mockRestore();
  });

  it('a revoked key is refused at once, and is not there any more', async () => {
    const { id, key } = await make();
    expect((await admin.delete(`/api-keys/${id}`)).status).toBe(204);
    expect((await rollcall.http.as(key).get('/api-keys')).status).toBe(401);
    expect((await admin.get(`/api-keys/${id}`)).status).toBe(404);
    expect((await admin.delete(`/api-keys/${id}`)).status).toBe(404);
    const events = await rollcall.database.read.findBy(EventEntity, { subjectId: id });
    expect(events.map((event) => event.type).sort()).toEqual(['api_key.created', 'api_key.revoked']);
  });

  it('G1 a rotated key goes on for the overlap, and not at all without one', async () => {
    const clock = rollcall.app.get(Clock);
    const old = await make({ name: 'nightly' });
    const rotated = await admin.post(`/api-keys/${old.id}/rotate`, { overlapSeconds: 60 });
    expect(rotated).toMatchObject({ status: 201, body: { name: 'nightly', scopes: ['api-keys:read'] } });
    const next = String(rotated.body.key);
    for (const key of [old.key, next]) expect((await rollcall.http.as(key).get('/api-keys')).status).toBe(200);
    const later = clock.now() + 61 * SECOND;
    const now = jest.spyOn(clock, 'now').mockReturnValue(later);
    expect((await rollcall.http.as(old.key).get('/api-keys')).status).toBe(401);
    expect((await rollcall.http.as(next).get('/api-keys')).status).toBe(200);
    now.mockRestore();
    const last = await admin.post(`/api-keys/${String(rotated.body.id)}/rotate`);
    expect((await rollcall.http.as(next).get('/api-keys')).status).toBe(401);
    expect((await rollcall.http.as(String(last.body.key)).get('/api-keys')).status).toBe(200);
  });

  it('of rotations at once one wins', async () => {
    const { id } = await make();
    const answers = await Promise.all([1, 2, 3].map(() => admin.post(`/api-keys/${id}/rotate`)));
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(1);
  });

  it('is renamed', async () => {
    const { id } = await make();
    expect(await admin.patch(`/api-keys/${id}`, { name: 'other' })).toMatchObject({
      status: 200,
      body: { name: 'other' },
    });
    expect((await admin.patch(`/api-keys/${id}`, { name: 'x', scopes: ['users:write'] })).status).toBe(400);
  });

  it("G1 a foreign tenant's key is not there", async () => {
    const { id } = await make();
    expect((await foreign.get(`/api-keys/${id}`)).status).toBe(404);
    expect((await foreign.patch(`/api-keys/${id}`, { name: 'x' })).status).toBe(404);
    expect((await foreign.post(`/api-keys/${id}/rotate`)).status).toBe(404);
    expect((await foreign.delete(`/api-keys/${id}`)).status).toBe(404);
    expect((await admin.get(`/api-keys/${id}`)).status).toBe(200);
  });

  it('its last use is noted, at most once a minute', async () => {
    const clock = rollcall.app.get(Clock);
    const { id, key } = await make();
    const usedAt = async (after: number | null): Promise<number | null> => {
      for (;;) {
        const row = await rollcall.database.read.findOneByOrFail(ApiKeyEntity, { id });
        if (row.lastUsedAt !== after) return row.lastUsedAt;
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const start = clock.now();
    const now = jest.spyOn(clock, 'now').mockReturnValue(start);
    await rollcall.http.as(key).get('/api-keys');
    expect(await usedAt(null)).toBe(start);
    now.mockReturnValue(start + MINUTE - SECOND);
    await rollcall.http.as(key).get('/api-keys');
    now.mockReturnValue(start + MINUTE);
    await rollcall.http.as(key).get('/api-keys');
    // Had the second use been noted, it would be seen first: writes keep their order.
    expect(await usedAt(start)).toBe(start + MINUTE);
    now.mockRestore();
  });
});

async function tablesOf(rollcall: TestApp): Promise<{ name: string }[]> {
  return rollcall.database.engine === 'sqlite'
    ? rollcall.database.read.query(`SELECT name FROM sqlite_master WHERE type = 'table'`)
    : rollcall.database.read.query(
        `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()`,
      );
}
