import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Clock, DAY } from '../../src/platform/clock.js';
import { newId } from '../../src/platform/ids.js';
import { Sweeper } from '../../src/platform/sweeper.js';
import { createKey } from '../../src/records/api-keys/key-format.js';
import { ScimRequestEntity } from '../../src/records/scim-requests/scim-request.entity.js';
import { ScimRequestLog } from '../../src/records/scim-requests/scim-request-log.js';
import type { HttpClient } from '../support/http-client.js';
import { seedTenant } from '../support/seed.js';
import { seedConnection } from '../support/seed-connection.js';
import { startApp, type TestApp } from '../support/start-app.js';

interface Logged {
  method: string;
  path: string;
  status: number;
  ms: number;
  userAgent: string | null;
  requestId: string;
  body: unknown;
  answer: unknown;
  problem: { scimType: string | null; detail: string } | null;
}

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';

describe('the log of what a SCIM client sent', () => {
  let rollcall: TestApp;
  let tenantId: string;
  let connectionId: string;
  let admin: HttpClient;
  let key: string;
  let count = 0;

  beforeAll(async () => {
    rollcall = await startApp();
    tenantId = (await seedTenant(rollcall, 'acme')).id;
    admin = await rollcall.clientWith(tenantId, ['connections:read', 'api-keys:read', 'api-keys:write']);
  });
  afterAll(() => rollcall.stop());

  beforeEach(async () => {
    connectionId = await seedConnection(rollcall, tenantId, `okta-${++count}`);
    const client = await rollcall.clientWith(tenantId, ['scim:read', 'scim:write'], connectionId);
    key = client.credential ?? '';
  });

  function send(method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${rollcall.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        'user-agent': 'Okta SCIM Client 1.0.0',
        ...(body === undefined ? {} : { 'content-type': 'application/scim+json' }),
        ...headers,
      },
      body,
    });
  }

  async function logged(query = '', client = admin): Promise<Logged[]> {
    await rollcall.app.get(ScimRequestLog).flush();
    const answer = await client.get<{ items: Logged[] }>(`/connections/${connectionId}/requests${query}`);
    expect(answer.status).toBe(200);
    return answer.body.items;
  }

  it('says what was asked, how it was answered and how long that took, newest first', async () => {
    const first = await send('GET', '/scim/v2/Users?filter=name.familyName%20eq%20%22Lovelace%22');
    const second = await send('DELETE', '/scim/v2/Users/0193aaaa-0000-7000-8000-000000000000');
    expect(await logged()).toMatchObject([
      { method: 'DELETE', path: '/scim/v2/Users/0193aaaa-0000-7000-8000-000000000000', status: second.status },
      {
        method: 'GET',
        path: '/scim/v2/Users?filter=name.familyName eq "L… (8 characters)"',
        status: first.status,
        ms: expect.any(Number),
        userAgent: 'Okta SCIM Client 1.0.0',
        requestId: first.headers.get('x-request-id'),
        body: null,
      },
    ]);
  });

  it('says in words why a request was refused, though its body was never read or its path leads nowhere', async () => {
    const [broken, media, nowhere] = [
      await send('POST', '/scim/v2/Users', '{"userName": "ada'),
      await send('POST', '/scim/v2/Users', 'userName=ada', { 'content-type': 'text/plain' }),
      await send('GET', '/scim/v2/Persons'),
    ];
    const items = await logged('?status=refused');
    expect(items.map(({ path, status }) => [path, status])).toEqual([
      ['/scim/v2/Persons', nowhere.status],
      ['/scim/v2/Users', media.status],
      ['/scim/v2/Users', broken.status],
    ]);
    for (const { problem } of items) expect(problem?.detail).toMatch(/\w/);
  });

  it('names a revoked key as such, to the admins of its connection alone', async () => {
    const { items } = (await admin.get<{ items: { id: string; connection: string }[] }>('/api-keys?limit=200')).body;
    const mine = items.find((each) => each.connection === connectionId);
    expect((await admin.delete(`/api-keys/${mine?.id}`)).status).toBe(204);
    expect((await send('GET', '/scim/v2/Users')).status).toBe(401);
    expect(await logged()).toMatchObject([{ status: 401, problem: { detail: 'The API key was revoked.' } }]);
  });

  it('notes nothing of who has no connection: no key, a made-up one, an unbound one', async () => {
    const unbound = await rollcall.clientWith(tenantId, ['scim:read']);
    for (const authorization of ['', `Bearer ${createKey().key}`, `Bearer ${unbound.credential}`]) {
      await send('GET', '/scim/v2/Users', undefined, { authorization });
    }
    expect(await logged()).toEqual([]);
    const rows: unknown[] = await rollcall.database.read.query('SELECT id FROM scim_requests WHERE tenantId <> ?', [
      tenantId,
    ]);
    expect(rows).toEqual([]);
  });

  it('keeps no secret and no personal value, in no column', async () => {
    const person = {
      schemas: [USER],
      userName: 'ada.lovelace@secret.example',
      password: 'correct horse battery',
      name: { familyName: 'Lovelace' },
      emails: [{ value: 'ada.lovelace@private.example', primary: true }],
    };
    await send('POST', '/scim/v2/Users', JSON.stringify(person));
    await send('GET', '/scim/v2/Users?filter=userName eq "ada.lovelace@secret.example"');
    await logged();
    const rows: unknown[] = await rollcall.database.read.query('SELECT * FROM scim_requests WHERE connectionId = ?', [
      connectionId,
    ]);
    expect(rows).toHaveLength(2);
    const text = JSON.stringify(rows);
    for (const value of ['ada.lovelace', 'correct', 'Lovelace', key]) expect(text).not.toContain(value);
  });

  it('shows what was sent and what was answered, and repeats no personal value in the words of a refusal', async () => {
    const person = { schemas: [USER], userName: 'ada.lovelace@example.com', displayName: 'Ada Lovelace' };
    expect((await send('POST', '/scim/v2/Users', JSON.stringify(person))).status).toBe(201);
    expect((await send('POST', '/scim/v2/Users', JSON.stringify(person))).status).toBe(409);
    expect((await send('POST', '/scim/v2/Users', JSON.stringify({ ...person, active: 'Lovelace' }))).status).toBe(400);
    const masked = { userName: 'a…@example.com (24 characters)', displayName: 'A… (12 characters)' };
    const [invalid, taken, created] = await logged();
    expect(created).toMatchObject({ status: 201, problem: null, body: masked, answer: masked });
    expect(taken).toMatchObject({ status: 409, problem: { scimType: 'uniqueness' }, body: masked });
    expect(invalid).toMatchObject({ status: 400, problem: { scimType: 'invalidValue' }, body: masked });
    expect(JSON.stringify([invalid, taken, created])).not.toMatch(/Lovelace|ada\./);
  });

  it('gives pages, filters by class of status and by time', async () => {
    for (const id of ['1', '2', '3']) await send('GET', `/scim/v2/Nothing/${id}`);
    await logged();
    const path = `/connections/${connectionId}/requests`;
    const first = await admin.get<{ items: Logged[]; cursor: string }>(`${path}?limit=2`);
    const second = await admin.get<{ items: Logged[]; cursor: null }>(`${path}?limit=2&cursor=${first.body.cursor}`);
    expect([...first.body.items, ...second.body.items].map((each) => each.path.at(-1))).toEqual(['3', '2', '1']);
    expect(second.body.cursor).toBeNull();
    expect(await logged('?status=4xx')).toHaveLength(3);
    expect(await logged('?status=2xx')).toEqual([]);
    expect(await logged('?since=2001-01-01T00:00:00Z')).toHaveLength(3);
    expect(await logged('?since=2101-01-01T00:00:00Z')).toEqual([]);
    expect((await admin.get(`${path}?since=yesterday`)).status).toBe(400);
    expect((await admin.get(`${path}?status=9xx`)).status).toBe(400);
  });

  it('is not to be seen by another tenant, nor without connections:read', async () => {
    const other = await rollcall.clientWith((await seedTenant(rollcall, `other-${count}`)).id, ['connections:read']);
    expect((await other.get(`/connections/${connectionId}/requests`)).status).toBe(404);
    const reader = await rollcall.clientWith(tenantId, ['users:read']);
    expect((await reader.get(`/connections/${connectionId}/requests`)).status).toBe(403);
  });

  it('drops what is too much, and counts it, and answers all the same', async () => {
    const answers = await Promise.all(Array.from({ length: 300 }, () => send('GET', '/scim/v2/Nothing')));
    expect(new Set(answers.map((each) => each.status))).toEqual(new Set([404]));
    await logged();
    const rows: { count: number | string }[] = await rollcall.database.read.query(
      'SELECT COUNT(*) AS count FROM scim_requests WHERE connectionId = ?',
      [connectionId],
    );
    const metrics = await (await fetch(`${rollcall.url}/metrics`)).text();
    const unlogged = Number(/^rollcall_scim_requests_unlogged_total (\d+)$/m.exec(metrics)?.[1]);
    expect(Number(rows[0]?.count) + unlogged).toBe(300);
  });

  it('keeps the newest rows of a connection, and none beyond its time', async () => {
    await send('GET', '/scim/v2/Nothing');
    await logged();
    const [row] = await rollcall.database.read.findBy(ScimRequestEntity, { connectionId });
    const older = Array.from({ length: 3000 }, (_, index) => ({
      ...(row as ScimRequestEntity),
      id: `00000000-${String(index).padStart(4, '0')}-7${newId().slice(15)}`,
    }));
    await rollcall.database.transaction(async (tx) => {
      for (let at = 0; at < older.length; at += 500) await tx.insert(ScimRequestEntity, older.slice(at, at + 500));
    });
    // Whether there are too many is looked up once in some hundred rows.
    for (let sent = 0; sent < 500; sent += 50) {
      await Promise.all(Array.from({ length: 50 }, () => send('GET', '/scim/v2/Nothing')));
      await logged();
    }
    expect(await countRows()).toBeLessThan(2500);
    expect((await logged('?limit=1'))[0]?.path).toBe('/scim/v2/Nothing');

    const clock = rollcall.app.get(Clock);
    const now = clock.now();
    clock.now = () => now + 13 * DAY;
    await rollcall.app.get(Sweeper).sweep();
    expect(await countRows()).toBeGreaterThan(1000);
    clock.now = () => now + 15 * DAY;
    await rollcall.app.get(Sweeper).sweep();
    clock.now = Clock.prototype.now.bind(clock);
    expect(await countRows()).toBe(0);
  });

  async function countRows(): Promise<number> {
    const rows: { count: number | string }[] = await rollcall.database.read.query(
      'SELECT COUNT(*) AS count FROM scim_requests WHERE connectionId = ?',
      [connectionId],
    );
    return Number(rows[0]?.count);
  }
});

it('what was noted when the service ends is written, and with SCIM_REQUEST_LOG_DAYS=0 nothing is noted', async () => {
  for (const [days, expected] of [
    ['14', 1],
    ['0', 0],
  ] as const) {
    const rollcall = await startApp({ SCIM_REQUEST_LOG_DAYS: days });
    const { id } = await seedTenant(rollcall, 'acme');
    const connectionId = await seedConnection(rollcall, id, 'okta');
    const { credential } = await rollcall.clientWith(id, ['scim:read'], connectionId);
    await fetch(`${rollcall.url}/scim/v2/Nothing`, { headers: { authorization: `Bearer ${credential}` } });
    const { database } = rollcall;
    let rows: unknown[] = [];
    const close = database.close.bind(database);
    database.close = async () => {
      rows = await database.read.query('SELECT id FROM scim_requests');
      await close();
    };
    await rollcall.stop();
    expect(rows).toHaveLength(expected);
  }
});
