import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readRecord } from '../../src/plan/record.js';
import { LedgerHeadEntity } from '../../src/ledger/event.entity.js';
import { Sequencer } from '../../src/ledger/sequencer.js';
import type { Principal } from '../../src/platform/access.js';
import { Clock } from '../../src/platform/clock.js';
import { CONFIG, type Config } from '../../src/platform/config.js';
import { FollowService } from '../../src/records/users/follow.service.js';
import { ReadingPlaces } from '../../src/records/users/reading-places.js';
import { UserExportService } from '../../src/records/users/user-export.service.js';
import type { UserRecordView } from '../../src/records/users/user-record.dto.js';
import type { HttpClient } from '../support/http-client.js';
import { seedConnection } from '../support/seed-connection.js';
import { seedPersons, seedTenantWithRoles, type SeedPerson } from '../support/seed-persons.js';
import { startApp, type TestApp } from '../support/start-app.js';

const USERS = 3000;

describe('users as records', () => {
  let rollcall: TestApp;
  let tenantId: string;
  let other: string;
  let okta: string;
  let client: HttpClient;
  let ids: string[];

  beforeAll(async () => {
    rollcall = await startApp();
    tenantId = await seedTenantWithRoles(rollcall, 'acme');
    okta = await seedConnection(rollcall, tenantId, 'okta');
    other = await seedTenantWithRoles(rollcall, 'other');
    await seedPersons(rollcall, other, [{ userName: 'foreign' }]);
    client = await rollcall.clientWith(tenantId, ['users:export', 'roles:grant', 'users:write']);
    await rollcall.app.get(Sequencer).catchUp();
    await rollcall.database.transaction((tx) => tx.update(LedgerHeadEntity, { tenantId }, { number: 4711, hash: 'h' }));
    const push = { at: 5_000_000, values: { roles: ['viewer'], groups: ['Finance'], entitlements: ['report:42'] } };
    const seeds = Array.from({ length: USERS }, (_, place): SeedPerson => {
      if (place % 3 > 0) return { userName: `by-hand-${place}`, roles: ['viewer'] };
      const facts = { push, token: null };
      return {
        userName: `user-${place}`,
        givenName: 'Ada',
        email: `user-${place}@example.com`,
        attributes: { department: 'R&D' },
        given: ['editor'],
        identities: [{ connectionId: okta, externalId: `u-${place}`, active: place % 2 === 0, facts }],
      };
    });
    ids = [];
    for (let start = 0; start < USERS; start += 500) {
      ids.push(...(await seedPersons(rollcall, tenantId, seeds.slice(start, start + 500))));
    }
  }, 60_000);
  afterAll(() => rollcall.stop());

  const exported = async (query = ''): Promise<{ position: number; records: UserRecordView[] }> => {
    const answer = await client.get<string>(`/users/export${query}`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^application\/x-ndjson/);
    expect(answer.body.endsWith('\n')).toBe(true);
    const [head = '', ...lines] = answer.body.trimEnd().split('\n');
    const { position } = JSON.parse(head) as { position: number };
    return { position, records: lines.map((line) => JSON.parse(line) as UserRecordView) };
  };

  it('exports every user once, of one moment, while writes run', async () => {
    let done = false;
    const writes = (async () => {
      let count = 0;
      for (; !done; count++) {
        await seedPersons(rollcall, tenantId, [{ userName: `late-${count}` }]);
        await client.put(`/users/${ids[count]}/roles/editor`);
        await client.delete(`/users/${ids[USERS - 1 - count]}`);
      }
      return count;
    })();
    const first = await exported();
    const second = await exported();
    done = true;
    expect(await writes).toBeGreaterThan(0);
    // The head moves on while events of the writes are numbered; the second export is not behind the first.
    expect(first.position).toBeGreaterThanOrEqual(4711);
    expect(second.position).toBeGreaterThanOrEqual(first.position);
    for (const { records } of [first, second]) {
      expect(new Set(records.map(({ externalId }) => externalId)).size).toBe(records.length);
    }
    // A write comes, a write goes: of one moment, there is at most one user too many.
    expect(Math.abs(first.records.length - USERS)).toBeLessThanOrEqual(1);
    expect(Math.abs(second.records.length - USERS)).toBeLessThanOrEqual(1);
    expect(first.records.some(({ userName }) => userName === 'foreign')).toBe(false);
  }, 60_000);

  it('tells the people of one connection in its own words', async () => {
    const { records } = await exported(`?connection=${okta}`);
    expect(records.length).toBeGreaterThan(900);
    expect(records.find(({ externalId }) => externalId === 'u-1500')).toEqual({
      externalId: 'u-1500',
      userName: 'user-1500',
      name: { givenName: 'Ada', familyName: null },
      displayName: null,
      email: 'user-1500@example.com',
      emailVerified: false,
      active: true,
      roles: ['viewer'],
      groups: ['Finance'],
      entitlements: ['report:42'],
      attributes: { department: 'R&D' },
      statedAt: '1970-01-01T00:00:05.000Z',
    });
  });

  it('shows one user as the export does, in a shape that a push takes', async () => {
    const [on = '', off = ''] = [ids[1500], ids[1503]];
    const whole = await client.get<UserRecordView>(`/users/${on}/record`);
    expect(whole.body).toMatchObject({ externalId: on, active: true, roles: ['editor'], groups: ['Finance'] });
    const { records } = await exported();
    expect(records).toContainEqual(whole.body);
    const { faults, externalId } = readRecord(whole.body, rollcall.app.get(Clock).now());
    expect({ faults, externalId }).toEqual({ faults: [], externalId: on });
    const switchedOff = await client.get<UserRecordView>(`/users/${off}/record`);
    expect(switchedOff.body).toMatchObject({ active: false, roles: [] });
    const stated = await client.get<UserRecordView>(`/users/${off}/record?connection=${okta}`);
    expect(stated.body).toMatchObject({ externalId: 'u-1503', active: false, roles: ['viewer'] });
    expect((await client.get(`/users/${ids[1501]}/record?connection=${okta}`)).status).toBe(404);
    expect((await client.get(`/users/${on}/record?connection=okta`)).status).toBe(400);
  });

  it('frees its connection when the reader goes away, so that others can follow', async () => {
    for (let round = 0; round < 6; round++) {
      const reader = new AbortController();
      const answer = await fetch(`${rollcall.url}/users/export`, {
        headers: { authorization: `Bearer ${client.credential}` },
        signal: reader.signal,
      });
      await answer.body?.getReader().read();
      reader.abort();
      // The server hears of it when it writes on; until then the place counts as taken.
      for (;;) {
        const next = await client.get<string>('/users/export');
        if (next.status === 200) break;
        expect(next).toMatchObject({ status: 503, body: { code: 'overloaded' } });
        expect(next.headers.get('retry-after')).toBe('30');
      }
    }
  }, 60_000);

  const principalOf = (ofTenant: string): Principal => ({
    type: 'system',
    id: 'system',
    tenantId: ofTenant,
    permissions: new Set(['users:export']),
    connectionId: null,
    sessionId: null,
    operatorOf: null,
  });

  it('two at once are what a tenant may have; another has theirs meanwhile', async () => {
    const exports = rollcall.app.get(UserExportService);
    const open = (ofTenant: string) => exports.open(principalOf(ofTenant), {});
    const taken = [await open(tenantId), await open(tenantId)];
    await expect(open(tenantId)).rejects.toMatchObject({ code: 'overloaded' });
    taken.push(await open(other), await open(other));
    const closed = taken.map((stream) => new Promise((resolve) => stream.once('close', resolve).destroy()));
    await Promise.all(closed);
    expect((await exported()).records.length).toBeGreaterThan(0);
  });

  it('two digests at once are what a tenant may have; another has theirs meanwhile', async () => {
    const follow = rollcall.app.get(FollowService);
    const of = [tenantId, tenantId, tenantId, other];
    const counted = await Promise.allSettled(of.map((each) => follow.digest(principalOf(each))));
    expect(counted.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    expect(counted[2]).toMatchObject({ reason: { code: 'overloaded' } });
    expect((await follow.digest(principalOf(tenantId))).count).toBeGreaterThan(0);
  });

  it('exports and digests share their places, at most half of the connections to the database', async () => {
    const follow = rollcall.app.get(FollowService);
    const stream = await rollcall.app.get(UserExportService).open(principalOf(tenantId), {});
    const counted = await Promise.allSettled([1, 2].map(() => follow.digest(principalOf(tenantId))));
    expect(counted.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    await new Promise((resolve) => stream.once('close', resolve).destroy());
    const placesOf = (DATABASE_POOL: number) => {
      const places = new ReadingPlaces({ ...rollcall.app.get<Config>(CONFIG), DATABASE_POOL });
      for (let taken = 0; ; taken++) if (!places.take(`tenant ${taken}`)) return taken;
    };
    expect([2, 3, 6, 10, 200].map(placesOf)).toEqual([1, 1, 3, 5, 5]);
  });

  it('answers a login while an export is being read slowly', async () => {
    const answer = await fetch(`${rollcall.url}/users/export`, {
      headers: { authorization: `Bearer ${client.credential}` },
    });
    const reader = answer.body?.getReader();
    await reader?.read();
    const [made] = await seedPersons(rollcall, tenantId, [{ userName: 'in between' }]);
    expect((await client.get(`/users/${made}/record`)).status).toBe(200);
    let text = '';
    for (;;) {
      const part = await reader?.read();
      if (!part || part.done) break;
      text += Buffer.from(part.value).toString('utf8');
    }
    expect(text).not.toContain('in between');
  });
});
