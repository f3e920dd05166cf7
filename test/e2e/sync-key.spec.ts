import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { decodeJwt } from 'jose';
import { Clock, MINUTE } from '../../src/platform/clock.js';
import { Sequencer } from '../../src/ledger/sequencer.js';
import type { HttpClient } from '../support/http-client.js';
import { seedConnection } from '../support/seed-connection.js';
import { seedPersons, seedTenantWithRoles } from '../support/seed-persons.js';
import { startApp, type TestApp } from '../support/start-app.js';

interface Feed {
  items: { subject: { id: string; version: number }; reason: string | null }[];
  position: number;
}
interface Digest {
  primary_id: string;
  position: number;
  pending: boolean;
  changed: string[] | null;
  count: number;
  digest: string;
}

describe('what the sync key of a connection opens', () => {
  let rollcall: TestApp;
  let tenantId: string;
  let okta: string;
  let entra: string;
  let admin: HttpClient;
  let ada: string;
  let both: string;
  let stranger: string;

  beforeAll(async () => {
    rollcall = await startApp();
    tenantId = await seedTenantWithRoles(rollcall, 'acme');
    okta = await seedConnection(rollcall, tenantId, 'okta');
    entra = await seedConnection(rollcall, tenantId, 'entra');
    admin = await rollcall.clientWith(tenantId, [
      'api-keys:read',
      'api-keys:write',
      'sync:read',
      'users:write',
      'users:read',
      'roles:grant',
      'identities:link',
    ]);
    const at = (connectionId: string, externalId: string) => ({ connectionId, externalId });
    [ada = '', both = '', stranger = ''] = await seedPersons(rollcall, tenantId, [
      { userName: 'ada', identities: [at(okta, 'x-ada')], roles: ['viewer'] },
      { userName: 'both', identities: [at(okta, 'x-both'), at(entra, 'e-both')] },
      { userName: 'stranger', identities: [at(entra, 'e-stranger')] },
    ]);
  }, 60_000);
  afterAll(() => rollcall.stop());

  const issue = async (connection = okta, body: object = {}) => {
    const answer = await admin.post<{ primary_id: string; sync_api_key: string }>(
      `/connections/${connection}/sync-key`,
      body,
    );
    expect(answer.status).toBe(201);
    return answer.body;
  };
  const follower = async () => rollcall.http.as((await issue()).sync_api_key);
  const feedOf = async (client: HttpClient, after: number) => {
    await rollcall.app.get(Sequencer).catchUp();
    return (await client.get<Feed>(`/events?after=${after}&limit=1000`)).body;
  };

  it('D2 is one a connection: a new one ends the one before, at once', async () => {
    const first = await issue();
    expect(first).toEqual({ primary_id: okta, sync_api_key: expect.stringMatching(/^rc_/) });
    const elsewhere = await issue(entra);
    const second = await issue();
    expect((await rollcall.http.as(first.sync_api_key).get('/users/digest')).status).toBe(401);
    expect((await rollcall.http.as(second.sync_api_key).get('/users/digest')).status).toBe(200);
    expect((await rollcall.http.as(elsewhere.sync_api_key).get('/users/digest')).status).toBe(200);
  });

  it('D2 or after an overlap, in which there are two and never three', async () => {
    const first = await issue();
    const second = await issue(okta, { overlapSeconds: 120 });
    const third = await issue(okta, { overlapSeconds: 120 });
    const statusOf = async ({ sync_api_key }: { sync_api_key: string }) =>
      (await rollcall.http.as(sync_api_key).get('/users/digest')).status;
    expect(await Promise.all([first, second, third].map(statusOf))).toEqual([401, 200, 200]);
    const clock = rollcall.app.get(Clock);
    const later = clock.now() + 3 * MINUTE;
    const held = jest.spyOn(clock, 'now').mockReturnValue(later);
    expect(await Promise.all([second, third].map(statusOf))).toEqual([401, 200]);
    held.mockRestore();
  });

  it('D2 of several asked for at once one lives', async () => {
    const keys = await Promise.all(Array.from({ length: 5 }, () => issue()));
    const statuses = await Promise.all(
      keys.map(async ({ sync_api_key }) => (await rollcall.http.as(sync_api_key).get('/users/digest')).status),
    );
    expect(statuses.sort()).toEqual([200, 401, 401, 401, 401]);
  });

  it('comes in no other way, and from nobody who may not follow', async () => {
    const made = await admin.post('/api-keys', { name: 'x', scopes: ['sync:read'], connection: okta });
    expect(made).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    const weak = await rollcall.clientWith(tenantId, ['api-keys:write']);
    expect((await weak.post(`/connections/${okta}/sync-key`)).status).toBe(403);
    const foreign = await seedTenantWithRoles(rollcall, 'foreign');
    const theirs = await rollcall.clientWith(foreign, ['api-keys:write', 'sync:read']);
    expect((await theirs.post(`/connections/${okta}/sync-key`)).status).toBe(404);
    const { body } = await admin.get<{ items: { id: string; scopes: string[]; connection: string | null }[] }>(
      '/api-keys?limit=200',
    );
    const key = body.items.find(({ scopes, connection }) => scopes[0] === 'sync:read' && connection === okta);
    expect((await admin.post(`/api-keys/${key?.id}/rotate`)).status).toBe(409);
  });

  it('D5 logs in for a short token that does the same, and ends with its key', async () => {
    const { sync_api_key: apiKey } = await issue();
    const login = await rollcall.http.post<{ access_token: string; expires_in: number }>('/auth/login', { apiKey });
    expect(login.status).toBe(200);
    expect(login.body.expires_in).toBeLessThanOrEqual(3600);
    expect(decodeJwt(login.body.access_token)).toMatchObject({ scope: 'sync:read', tid: tenantId });
    const client = rollcall.http.as(login.body.access_token);
    expect((await client.get('/auth/me')).body).toMatchObject({ connection: okta, permissions: ['sync:read'] });
    expect((await client.get('/users/digest')).status).toBe(200);
    await issue();
    expect((await client.get('/users/digest')).status).toBe(401);
  });

  it('opens nothing else', async () => {
    const client = await follower();
    for (const path of ['/users', `/users/${ada}`, `/users/${ada}/record`, '/connections', '/audit-events', '/roles']) {
      expect((await client.get(path)).status).toBe(403);
    }
    expect((await client.post('/users/sync', [])).status).toBe(403);
    const unbound = await rollcall.clientWith(tenantId, ['sync:read']);
    for (const path of ['/users/export', '/users/digest', '/events'])
      expect((await unbound.get(path)).status).toBe(403);
  });

  it('exports the people of its connection alone, by their ids, with what is effective', async () => {
    const client = await follower();
    const { body } = await client.get<string>('/users/export');
    const [head = '', ...lines] = body.trimEnd().split('\n');
    expect(JSON.parse(head)).toHaveProperty('position');
    const records = lines.map((line) => JSON.parse(line) as { externalId: string; statedAt: string });
    expect(records.map(({ externalId }) => externalId).sort()).toEqual([ada, both].sort());
    expect(records.find(({ externalId }) => externalId === ada)).toMatchObject({ userName: 'ada', roles: ['viewer'] });
    const [first] = records;
    const rest = await client.get<string>(`/users/export?after=${first?.statedAt},${first?.externalId}`);
    expect(rest.body.trimEnd().split('\n').slice(1)).toEqual(lines.slice(1));
    expect((await client.get(`/users/export?connection=${entra}`)).status).toBe(404);
    expect((await client.get('/users/export?after=yesterday')).status).toBe(400);
  });

  it('answers records of those alone, and names the others as missing', async () => {
    const client = await follower();
    const { body } = await client.post<{ items: { externalId: string }[]; missing: string[] }>('/users/records', {
      ids: [stranger, both, ada, both],
    });
    expect(body.items.map(({ externalId }) => externalId)).toEqual([both, ada]);
    expect(body.missing).toEqual([stranger]);
    expect((await client.post('/users/records', { ids: ['x'] })).status).toBe(400);
  });

  it('tells of each change of its people, of those who leave or are deleted too, and of nobody else', async () => {
    const client = await follower();
    const { position } = await feedOf(client, 0);
    const cover = { reason: 'cover for Bob' };
    await admin.put(`/users/${ada}/roles/editor`, cover);
    await admin.put(`/users/${stranger}/roles/editor`, cover);
    const one = await feedOf(client, position);
    expect(one.items.map(({ subject }) => subject.id)).toEqual([ada]);
    expect(one.items[0]?.reason).toBeNull();

    // Split off: the identity at Okta becomes a user of its own, and who stays is of Entra alone.
    const { body: user } = await admin.get<{ identities: { id: string; connection: string }[] }>(`/users/${both}`);
    const identity = user.identities.find(({ connection }) => connection === okta)?.id;
    const split = await admin.post<{ newUser: { id: string } }>(`/users/${both}/identities/${identity}/split`, {});
    expect(split.status).toBe(200);
    const two = await feedOf(client, one.position);
    const parted = split.body.newUser.id;
    expect(two.items.map(({ subject }) => subject.id).sort()).toEqual([both, parted].sort());
    const found = await client.post<{ missing: string[] }>('/users/records', { ids: [both, parted] });
    expect(found.body.missing).toEqual([both]);

    await admin.delete(`/users/${parted}`);
    await admin.delete(`/users/${stranger}`);
    const three = await feedOf(client, two.position);
    expect(three.items.map(({ subject }) => subject.id)).toEqual([parted]);
    // A reader who was away for all of it is told of everybody who was there.
    const whole = await feedOf(client, 0);
    const told = new Set(whole.items.map(({ subject }) => subject.id));
    expect([...told].sort()).toEqual([ada, both, parted].sort());
  });

  it('has a digest that moves with each change of its people, and with no other', async () => {
    const client = await follower();
    const digest = async () => {
      await rollcall.app.get(Sequencer).catchUp();
      return (await client.get<Digest>('/users/digest')).body;
    };
    const before = await digest();
    expect(before).toMatchObject({ primary_id: okta, pending: false });
    const [other = ''] = await seedPersons(rollcall, tenantId, [{ userName: 'other' }]);
    await admin.put(`/users/${other}/roles/editor`);
    expect(await digest()).toMatchObject({ count: before.count, digest: before.digest });
    await admin.put(`/users/${ada}/roles/viewer`, { until: '2099-01-01T00:00:00Z' });
    const after = await digest();
    expect(after.count).toBe(before.count);
    expect(after.digest).not.toBe(before.digest);
    expect(after.position).toBeGreaterThan(before.position);
    const since = await client.get<Digest>(`/users/digest?after=${before.position}`);
    expect(since.body).toMatchObject({ count: before.count - 1, changed: [ada] });
    expect([before.changed, (await client.get('/users/digest?after=-1')).status]).toEqual([null, 400]);
  });

  it('has another digest for each version of a person, though no time passes, or the clock is set back a little', async () => {
    const client = await follower();
    const clock = rollcall.app.get(Clock);
    const digest = async () => (await client.get<Digest>('/users/digest')).body.digest;
    const seen = [await digest()];
    const now = clock.now();
    const held = jest.spyOn(clock, 'now').mockReturnValue(now);
    try {
      for (const [at, method] of [
        [now, 'delete'],
        [now, 'put'],
        [now - 5_000_000, 'delete'],
        [now - 5_000_000, 'put'],
      ] as const) {
        held.mockReturnValue(at);
        const { status } = await admin[method](`/users/${ada}/roles/editor`);
        expect(status).toBeLessThan(300);
        seen.push(await digest());
      }
    } finally {
      held.mockRestore();
    }
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('a change that has no number yet is counted in, and said to be', async () => {
    const client = await follower();
    const clock = rollcall.app.get(Clock);
    const sequencer = rollcall.app.get(Sequencer);
    await sequencer.catchUp();
    await rollcall.database.transaction(async (tx) => {
      const id = '01935a2e-7c00-7000-8000-00000000abcd';
      await tx.query(
        `INSERT INTO events (id, tenantId, type, at, subjectType, subjectId, subjectVersion, actorType, actorId, via, fields)
         VALUES (?, ?, 'user.updated', ?, 'user', ?, 99, 'system', 'system', 'system', '[]')`,
        [id, tenantId, clock.now(), ada],
      );
      await tx.query('INSERT INTO event_queue (id, tenantId, eventIds) VALUES (?, ?, ?)', [
        id,
        tenantId,
        JSON.stringify([id]),
      ]);
    });
    expect((await client.get<Digest>('/users/digest')).body.pending).toBe(true);
    await sequencer.catchUp();
    expect((await client.get<Digest>('/users/digest')).body.pending).toBe(false);
  });
});
