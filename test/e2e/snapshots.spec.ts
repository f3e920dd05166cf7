import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EventEntity } from '../../src/ledger/event.entity.js';
import { formatTime, HOUR, MINUTE } from '../../src/platform/clock.js';
import { IdentityEntity } from '../../src/records/users/identity.entity.js';
import type { HttpClient } from '../support/http-client.js';
import { seedCustomer, seedFullConnection } from '../support/seed-customer.js';
import { SentStream, sendStream, toLines } from '../support/send-stream.js';
import { startApp, type TestApp } from '../support/start-app.js';

describe('a snapshot', () => {
  let rollcall: TestApp;
  let tenantId: string;
  let connectionId: string;
  let key: HttpClient;

  beforeAll(async () => {
    rollcall = await startApp();
  });
  afterAll(() => rollcall.stop());
  beforeEach(async () => {
    tenantId = await seedCustomer(rollcall);
    await limit(0);
  });

  async function limit(graceHours: number): Promise<void> {
    const safetyCatch = { users: 3, percent: 10, graceHours };
    connectionId = await seedFullConnection(rollcall, tenantId, { safetyCatch });
    key = await rollcall.clientWith(tenantId, ['users:sync', 'sync-runs:read', 'users:read'], connectionId);
  }

  const person = (n: number | string, more: object = {}) => ({
    externalId: `s-${n}`,
    userName: `s-${n}@x.example`,
    roles: ['viewer'],
    ...more,
  });
  const people = (count: number, more: object = {}) => Array.from({ length: count }, (_, n) => person(n, more));
  const send = (records: readonly object[], query = '') => sendStream(key, toLines(records), `?mode=snapshot${query}`);
  const identities = () => rollcall.database.read.findBy(IdentityEntity, { connectionId });
  const inactive = async () =>
    (await identities())
      .filter(({ active }) => !active)
      .map(({ externalId }) => externalId)
      .sort();
  async function untilFirstRun(status: string, id?: string): Promise<void> {
    const newest = async () =>
      id === undefined
        ? (await key.get<{ items: { status: string }[] }>('/sync-runs?limit=1')).body.items[0]
        : (await key.get<{ status: string }>(`/sync-runs/${id}`)).body;
    while ((await newest())?.status !== status) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const ago = (micros: number) => formatTime(Date.now() * 1000 - micros);

  it('switches off who is not in it, and tells that of its run', async () => {
    await send(people(40));
    const { body } = await send(people(38));
    expect(body.counts).toMatchObject({ unchanged: 38, deactivated: 2, held: 0 });
    expect(await inactive()).toEqual(['s-38', 's-39']);
    const run = await key.get(`/sync-runs/${body.run}`);
    expect(run.body).toMatchObject({ mode: 'snapshot', scope: '', status: 'finished', error: null });
    const events = await rollcall.database.read.findBy(EventEntity, { tenantId, runId: body.run });
    expect(events.map(({ type, via }) => [type, via])).toEqual(Array(2).fill(['user.deactivated', 'sync']));
  });

  it('of one JSON body does the same', async () => {
    await key.post('/users/sync', people(40));
    const sent = { users: people(39), mode: 'snapshot' };
    const { body } = await key.post<{ counts: object; run: string }>('/users/sync', sent);
    expect(body.counts).toMatchObject({ unchanged: 39, deactivated: 1 });
    expect(await inactive()).toEqual(['s-39']);
    expect((await key.get(`/sync-runs/${body.run}`)).body).toMatchObject({ mode: 'snapshot', status: 'finished' });
  });

  it('takes back who comes again, whatever their record says of `active`', async () => {
    await send(people(40));
    await send(people(39));
    expect((await send(people(40))).body.counts).toMatchObject({ unchanged: 39, updated: 1 });
    expect(await inactive()).toEqual([]);
  });

  it('names whoever stands on a line, though the line is refused', async () => {
    await send(people(40));
    const wrong = [
      { externalId: 's-38', roles: ['nothing-like-it'] },
      { usercode: 's-39', userName: 5 },
    ];
    expect((await send([...people(38), ...wrong])).body.counts).toMatchObject({ failed: 2, deactivated: 0 });
    expect(await inactive()).toEqual([]);
  });

  it.each([
    ['is no JSON', '{"externalId":"s-39"'],
    ['names nobody', '{"userName":"s-39@x.example"}'],
    ['names somebody who cannot be', '{"externalId":" s-39"}'],
    ['is too long', `{"externalId":"s-39","displayName":"${'x'.repeat(70_000)}"}`],
  ])('of which a line %s takes nobody for missing, and says so', async (_, line) => {
    await send(people(40));
    const text = `${toLines(people(38))}${line}\n`;
    const { body } = await sendStream(key, text, '?mode=snapshot');
    expect([body.counts.failed, body.counts.deactivated, await inactive()]).toEqual([1, 0, []]);
    const run = await key.get(`/sync-runs/${body.run}`);
    expect(run.body).toMatchObject({ status: 'finished', error: expect.stringContaining('record 39 ') });
  });

  it('that breaks off takes nobody for missing', async () => {
    await send(people(600));
    const stream = new SentStream(key, '?mode=snapshot');
    await stream.write(toLines(people(598)));
    await untilFirstRun('running');
    stream.cut();
    await expect(stream.answer).rejects.toThrow();
    await untilFirstRun('broken');
    expect(await inactive()).toEqual([]);
  });

  describe('of a scope', () => {
    it('says nothing of the people of another, nor of those whom none has stated', async () => {
      await send(people(20), '&scope=hr');
      await send(
        people(20).map(({ externalId }) => ({ externalId: `it-${externalId}` })),
        '&scope=it',
      );
      await key.post('/users/sync', person('upserted'));
      await send(people(19), '&scope=hr');
      await send([], '&scope=other');
      expect(await inactive()).toEqual(['s-19']);
    });

    it('has whom it stated last, though it says nothing new', async () => {
      await send(people(20), '&scope=hr');
      await key.post('/users/sync', { users: [person(19)], scope: 'it' });
      await send(people(19), '&scope=hr');
      expect(await inactive()).toEqual([]);
      const { body } = await key.get<{ items: { identities: { scope: string }[] }[] }>('/users?limit=200');
      expect(new Set(body.items.map((user) => user.identities[0]?.scope))).toEqual(new Set(['hr', 'it']));
    });

    it('says nothing of who is known by login or SCIM alone', async () => {
      await send(people(20));
      const scim = await rollcall.clientWith(tenantId, ['scim:read', 'scim:write'], connectionId);
      const user = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: 'own', externalId: 'own' };
      expect((await scim.post('/scim/v2/Users', user)).status).toBe(201);
      await send(people(20));
      expect(await inactive()).toEqual([]);
    });
  });

  describe('that says when it was true', () => {
    it('spares whom a push has named since, though that said nothing new', async () => {
      await send(people(40));
      await key.post('/users/sync', [person(39)]);
      const at = ago(0);
      await key.post('/users/sync', [person(38)]);
      const { body } = await send(people(38), `&statedAt=${encodeURIComponent(at)}`);
      expect([body.counts.deactivated, await inactive()]).toEqual([1, ['s-39']]);
    });

    it('spares whom another job has named since in words that were refused', async () => {
      await send(people(40));
      const at = ago(0);
      await key.post('/users/sync', [{ externalId: 's-39', roles: ['nothing-like-it'] }]);
      await send(people(39), `&statedAt=${encodeURIComponent(at)}`);
      expect(await inactive()).toEqual([]);
    });

    it('takes no one for missing whose record came late, but was true before', async () => {
      await send(people(40), `&statedAt=${ago(HOUR)}`);
      await send(people(39), `&statedAt=${ago(MINUTE)}`);
      expect(await inactive()).toEqual(['s-39']);
      await key.post('/users/sync', { users: [person(39, { displayName: 'Late' })], statedAt: ago(2 * MINUTE) });
      expect(await inactive()).toEqual(['s-39']);
    });

    it.each([
      ['ahead', () => ago(-2 * MINUTE), /ahead/],
      ['longer ago than anybody remembers', () => ago(7 * 24 * HOUR + MINUTE), /seven days/],
    ])('is refused if that is %s', async (_, at, why) => {
      const { status, body } = await send(people(1), `&statedAt=${encodeURIComponent(at())}`);
      const { faults } = body as unknown as { faults: { pointer: string; detail: string }[] };
      expect([status, faults]).toEqual([400, [{ pointer: '?statedAt', detail: expect.stringMatching(why) }]]);
    });
  });

  it('of a scope of which another is under way is refused; of another scope not', async () => {
    await send(people(20));
    const first = new SentStream(key, '?mode=snapshot');
    await first.write(toLines(people(20)).repeat(40));
    await untilFirstRun('running');
    expect((await send(people(20))).body).toMatchObject({ status: 409, code: 'conflict' });
    const json = await key.post('/users/sync', { users: people(20), mode: 'snapshot' });
    expect([json.status, (await send([], '&scope=other')).status]).toEqual([409, 200]);
    expect((await first.end()).status).toBe(200);
    expect((await send(people(20))).status).toBe(200);
  });

  describe('that takes too much away', () => {
    let admin: HttpClient;
    beforeEach(async () => {
      admin = await rollcall.clientWith(tenantId, ['sync-runs:read', 'sync-runs:write']);
    });

    it('is held: who is new and changed is applied, and nobody loses anything until an admin agrees', async () => {
      await send(people(20));
      const { body } = await send([...people(16, { displayName: 'New' }), person('new')]);
      expect(body).toMatchObject({ status: 'held', missing: 4, counts: { created: 1, updated: 16, held: 4 } });
      expect([body.error, await inactive()]).toEqual([expect.stringMatching(/switch off 4 .* of 20 people/), []]);
      const plan = await admin.get<{ items: object[] }>(`/sync-runs/${body.run}/plan`);
      expect(plan.body.items).toHaveLength(4);
      expect(plan.body.items[0]).toMatchObject({ change: 'deactivate', deactivates: true, loses: ['role viewer'] });
      await key.post('/users/sync', [person(19)]);
      expect((await admin.post(`/sync-runs/${body.run}/approve`)).status).toBeLessThan(300);
      await untilFirstRun('finished', body.run);
      expect(await inactive()).toEqual(['s-16', 's-17', 's-18']);
    });

    it('is superseded by a later one of its scope', async () => {
      await send(people(20), '&scope=hr');
      const { body } = await send(people(16), '&scope=hr');
      expect(body).toMatchObject({ status: 'held' });
      await send(people(20), '&scope=other');
      expect((await key.get(`/sync-runs/${body.run}`)).body).toMatchObject({ status: 'held' });
      await send([...people(20), { userName: 'nobody' } as object], '&scope=hr');
      expect((await key.get(`/sync-runs/${body.run}`)).body).toMatchObject({ status: 'held' });
      expect((await send(people(19), '&scope=hr')).body).toMatchObject({ status: 'finished', missing: 1 });
      expect((await key.get(`/sync-runs/${body.run}`)).body).toMatchObject({ status: 'superseded' });
      expect(await inactive()).toEqual(['s-19']);
      expect((await admin.post(`/sync-runs/${body.run}/approve`)).status).toBe(409);
    });

    it.each(['stream', 'json'])('is held if it names nobody, however few there are (%s)', async (form) => {
      await send(people(1));
      const sendNobody = () => key.post('/users/sync', { users: [], mode: 'snapshot' });
      const { body } = form === 'json' ? await sendNobody() : await send([]);
      expect(body).toMatchObject({ counts: { held: 1 }, missing: 1, error: expect.stringMatching(/names nobody/) });
      expect(await inactive()).toEqual([]);
    });

    it('but not if there is nobody in its scope', async () => {
      expect((await send([])).body).toMatchObject({ status: 'finished', missing: 0 });
    });
  });

  describe('as a dry run', () => {
    it.each([
      [39, false],
      [30, true],
    ])(
      'of %s of 40 people lists who is missing, says whether an admin would have to agree, and changes nothing',
      async (count, held) => {
        await send(people(40));
        const missing = people(40)
          .slice(count)
          .map(({ externalId }) => externalId);
        const { text } = await send(people(count), '&dryRun=true');
        const lines = text
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as Record<string, unknown>);
        const listed = lines.filter((line) => line.missing === true).map(({ externalId }) => externalId);
        expect(listed.sort()).toEqual([...missing].sort());
        expect(lines.at(-1)).toMatchObject({
          counts: { unchanged: count },
          removals: { missing: 40 - count, deactivated: 40 - count, people: 40, held },
        });
        const sent = { users: people(count), mode: 'snapshot', dryRun: true };
        const { body } = await key.post<{ missingPeople: { externalId: string }[] }>('/users/sync', sent);
        expect(body).toMatchObject({ run: null, missing: 40 - count, held, counts: { unchanged: count } });
        expect(body.missingPeople.map(({ externalId }) => externalId).sort()).toEqual([...missing].sort());
        expect(await inactive()).toEqual([]);
      },
    );

    it('counts what its records take away with those who are missing', async () => {
      await send(people(20));
      const records = [...people(16), person(16, { active: false }), person(17, { active: false })];
      const { body } = await key.post<{ results: { result: string }[] }>('/users/sync', {
        users: records,
        mode: 'snapshot',
        dryRun: true,
      });
      expect(body).toMatchObject({ held: true, missing: 2 });
      expect(body.results.slice(16).map(({ result }) => result)).toEqual(['held', 'held']);
    });

    it('says why nobody would be missing', async () => {
      await send(people(2));
      const { text } = await send([{ userName: 'x' }], '&dryRun=true');
      expect(text).toMatch(/"missing":0,"error":"Nobody is taken for missing: record 1 /);
    });
  });

  describe('of a connection with a grace period', () => {
    const HOURS = 48;
    beforeEach(async () => {
      await limit(HOURS);
    });
    const leaving = async () =>
      (await identities()).filter(({ leavingAt }) => leavingAt !== null).map(({ externalId }) => externalId);
    const timePasses = () =>
      rollcall.database.transaction(async (tx) => {
        const now = Date.now() * 1000;
        await tx.query(`UPDATE run_entries SET dueAt = ? WHERE state = 'leaving'`, [now]);
        await tx.query('UPDATE identities SET leavingAt = ? WHERE leavingAt IS NOT NULL', [now]);
      });

    it('marks who is missing as leaving; they are active, and everybody can see when that ends', async () => {
      await send(people(40));
      const { body } = await send(people(38));
      expect(body).toMatchObject({ status: 'finished', missing: 2, counts: { deactivated: 0, held: 0, leaving: 2 } });
      expect([(await leaving()).sort(), await inactive()]).toEqual([['s-38', 's-39'], []]);
      const events = await rollcall.database.read.findBy(EventEntity, { tenantId, runId: body.run });
      expect(events.map(({ type }) => type)).toEqual(['user.leaving', 'user.leaving']);
      const [user] = (await key.get<{ items: { identities: { leavingAt: string }[] }[] }>('/users?q=s-39%40x.example'))
        .body.items;
      const at = Date.parse(user?.identities[0]?.leavingAt ?? '');
      expect(Math.abs(at - Date.now() - HOURS * 3_600_000)).toBeLessThan(60_000);
      // Another snapshot without them gives them no more time, and does not count them twice.
      expect((await send(people(38))).body).toMatchObject({ missing: 0, counts: { unchanged: 38 } });
    });

    it('switches them off when their time is over, and tells it of the same run', async () => {
      await send(people(40));
      const { body } = await send(people(39));
      await timePasses();
      while ((await inactive()).length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
      const run = await key.get(`/sync-runs/${body.run}`);
      expect(run.body).toMatchObject({ status: 'finished', counts: { deactivated: 1, leaving: 0 } });
      expect(await leaving()).toEqual([]);
    });

    it('lets whoever is stated again stay, though nothing new is said of them', async () => {
      await send(people(40));
      await send(people(38));
      expect((await key.post<{ counts: object }>('/users/sync', [person(38)])).body.counts).toMatchObject({
        updated: 1,
      });
      expect(await leaving()).toEqual(['s-39']);
      await send(people(40));
      expect(await leaving()).toEqual([]);
      await timePasses();
      await new Promise((resolve) => setTimeout(resolve, 1200));
      expect(await inactive()).toEqual([]);
    });
  });
});
