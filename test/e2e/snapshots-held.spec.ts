import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { formatTime, HOUR, MINUTE } from '../../src/platform/clock.js';
import { RunEntryEntity, RunSeenEntity } from '../../src/records/sync-runs/run.entity.js';
import type { HttpClient } from '../support/http-client.js';
import { people, person, SnapshotWorld } from '../support/snapshot-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

describe('what a snapshot takes away', () => {
  let rollcall: TestApp;
  let world: SnapshotWorld;
  beforeAll(async () => {
    rollcall = await startApp();
  });
  afterAll(() => rollcall.stop());
  beforeEach(async () => {
    world = await SnapshotWorld.build(rollcall);
  });

  describe('that takes too much away', () => {
    let admin: HttpClient;
    beforeEach(async () => {
      admin = await rollcall.clientWith(world.tenantId, ['sync-runs:read', 'sync-runs:write']);
    });

    it('is held: who is new and changed is applied, and nobody loses anything until an admin agrees', async () => {
      await world.send(people(20));
      const { body } = await world.send([...people(16, { displayName: 'New' }), person('new')]);
      expect(body).toMatchObject({ status: 'held', missing: 4, counts: { created: 1, updated: 16, held: 4 } });
      expect([body.error, await world.inactive()]).toEqual([expect.stringMatching(/switch off 4 .* of 20 people/), []]);
      const plan = await admin.get<{ items: object[] }>(`/sync-runs/${body.run}/plan`);
      expect(plan.body.items).toHaveLength(4);
      expect(plan.body.items[0]).toMatchObject({ change: 'deactivate', deactivates: true, loses: ['role viewer'] });
      await world.key.post('/users/sync', [person(19)]);
      expect((await admin.post(`/sync-runs/${body.run}/approve`)).status).toBeLessThan(300);
      await world.untilRun('finished', body.run);
      expect(await world.inactive()).toEqual(['s-16', 's-17', 's-18']);
    });

    it('spares whoever is named while it is carried out, before anybody has looked who was', async () => {
      await world.send(people(20));
      const { body } = await world.send(people(16));
      const named = await world.key.post<{ counts: object; run: string }>('/users/sync', [person(19)]);
      expect(named.body.counts).toMatchObject({ unchanged: 1 });
      await rollcall.database.transaction((tx) => tx.delete(RunSeenEntity, { runId: named.body.run }));
      await admin.post(`/sync-runs/${body.run}/approve`);
      await world.untilRun('finished', body.run);
      expect(await world.inactive()).toEqual(['s-16', 's-17', 's-18']);
    });

    it('spares whoever is named after it by a record that says nothing newer', async () => {
      await world.send(people(20));
      const { body } = await world.send(people(16));
      const old = person(19, { statedAt: '2026-01-01T00:00:00Z' });
      const named = await world.key.post<{ counts: object }>('/users/sync', [old]);
      expect(named.body.counts).toMatchObject({ stale: 1 });
      await admin.post(`/sync-runs/${body.run}/approve`);
      await world.untilRun('finished', body.run);
      expect(await world.inactive()).toEqual(['s-16', 's-17', 's-18']);
    });

    it('spares whom a push of its very moment has named after it', async () => {
      await world.send(people(20));
      const statedAt = formatTime(Date.now() * 1000);
      const { body } = await world.send(people(16), `&statedAt=${statedAt}`);
      await world.key.post('/users/sync', { users: people(20).slice(17), statedAt });
      await admin.post(`/sync-runs/${body.run}/approve`);
      await world.untilRun('finished', body.run);
      expect(await world.inactive()).toEqual(['s-16']);
    });

    it.each([
      ['the same', 0],
      ['an earlier', MINUTE],
    ])('spares whom a snapshot of another scope has taken over after it, of %s moment', async (_, earlier) => {
      const now = Date.now() * 1000;
      const of = (scope: string, at: number) => `&scope=${scope}&statedAt=${formatTime(at)}`;
      await world.send(people(20), of('hr', now - HOUR));
      const { body } = await world.send(people(16), of('hr', now));
      expect(body).toMatchObject({ status: 'held', missing: 4 });
      await world.send(people(20).slice(17), of('it', now - earlier));
      await admin.post(`/sync-runs/${body.run}/approve`);
      await world.untilRun('finished', body.run);
      expect(await world.inactive()).toEqual(['s-16']);
    });

    it('is superseded by a later one of its scope', async () => {
      await world.send(people(20), '&scope=hr');
      const { body } = await world.send(people(16), '&scope=hr');
      expect(body).toMatchObject({ status: 'held' });
      await world.send(people(20), '&scope=other');
      expect((await world.key.get(`/sync-runs/${body.run}`)).body).toMatchObject({ status: 'held' });
      await world.send([...people(20), { userName: 'nobody' } as object], '&scope=hr');
      expect((await world.key.get(`/sync-runs/${body.run}`)).body).toMatchObject({ status: 'held' });
      expect((await world.send(people(19), '&scope=hr')).body).toMatchObject({ status: 'finished', missing: 1 });
      expect((await world.key.get(`/sync-runs/${body.run}`)).body).toMatchObject({ status: 'superseded' });
      expect(await world.inactive()).toEqual(['s-19']);
      expect((await admin.post(`/sync-runs/${body.run}/approve`)).status).toBe(409);
    });

    it.each(['stream', 'json'])('is held if it names nobody, however few there are (%s)', async (form) => {
      await world.send(people(1));
      const sendNobody = () => world.key.post('/users/sync', { users: [], mode: 'snapshot' });
      const { body } = form === 'json' ? await sendNobody() : await world.send([]);
      expect(body).toMatchObject({ counts: { held: 1 }, missing: 1, error: expect.stringMatching(/names nobody/) });
      expect(await world.inactive()).toEqual([]);
    });

    it('is held if it was sent under the scope of others, whom its own people outnumber by then', async () => {
      await world.send(people(200), '&scope=it');
      const hr = Array.from({ length: 20 }, (_, n) => person(`hr-${n}`));
      await world.send(hr, '&scope=hr');
      const { body } = await world.send(people(200), '&scope=hr');
      expect(body).toMatchObject({
        status: 'held',
        missing: 20,
        error: expect.stringMatching(/switch off 20 .* of 20 /),
      });
      expect(await world.inactive()).toEqual([]);
      expect((await admin.get(`/sync-runs/${body.run}/plan`)).body).toMatchObject({ removals: { people: 20 } });
      // Nor does it pass when it comes again, and they are there already.
      const sent = { users: people(200), mode: 'snapshot', scope: 'hr' };
      expect((await world.key.post('/users/sync', sent)).body).toMatchObject({ counts: { held: 20 }, missing: 20 });
      expect(await world.inactive()).toEqual([]);
    });

    const NOBODY = { userName: 'nobody' };
    it('is held by the number of all who are there, though each before it had a line that names nobody', async () => {
      await world.send([...people(30), NOBODY]);
      await world.send([...people(40), NOBODY]);
      await world.send([...people(39), NOBODY]);
      const off = people(40).slice(36);
      const some = [...people(36), ...off.map((each, n) => (n < 3 ? { ...each, active: false } : each))];
      expect((await world.send(some)).body).toMatchObject({ status: 'finished', counts: { deactivated: 3 } });
      const { body } = await world.send(people(30));
      expect(body).toMatchObject({ status: 'held', error: expect.stringMatching(/switch off 7 .* of 37 people/) });
    });

    it('is held by those whom a list under a wrong scope has found there, though that had a line that names nobody', async () => {
      await world.send(people(200), '&scope=it');
      const hr = Array.from({ length: 20 }, (_, n) => person(`hr-${n}`));
      await world.send(hr, '&scope=hr');
      expect((await world.send([...people(200), NOBODY], '&scope=hr')).body).toMatchObject({ missing: 0 });
      expect((await world.send(people(200), '&scope=hr')).body).toMatchObject({ status: 'held', missing: 20 });
      expect(await world.inactive()).toEqual([]);
    });

    it('but not if there is nobody in its scope', async () => {
      expect((await world.send([])).body).toMatchObject({ status: 'finished', missing: 0 });
    });
  });

  describe('as a dry run', () => {
    it.each([
      [39, false],
      [30, true],
    ])(
      'of %s of 40 people lists who is missing, says whether an admin would have to agree, and changes nothing',
      async (count, held) => {
        await world.send(people(40));
        const missing = people(40)
          .slice(count)
          .map(({ externalId }) => externalId);
        const { text } = await world.send(people(count), '&dryRun=true');
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
        const { body } = await world.key.post<{ missingPeople: { externalId: string }[] }>('/users/sync', sent);
        expect(body).toMatchObject({ run: null, missing: 40 - count, held, counts: { unchanged: count } });
        expect(body.missingPeople.map(({ externalId }) => externalId).sort()).toEqual([...missing].sort());
        expect(await world.inactive()).toEqual([]);
      },
    );

    it('counts what its records take away with those who are missing', async () => {
      await world.send(people(20));
      const records = [...people(16), person(16, { active: false }), person(17, { active: false })];
      const { body } = await world.key.post<{ results: { result: string }[] }>('/users/sync', {
        users: records,
        mode: 'snapshot',
        dryRun: true,
      });
      expect(body).toMatchObject({ held: true, missing: 2 });
      expect(body.results.slice(16).map(({ result }) => result)).toEqual(['held', 'held']);
    });

    it('says that it would be held by the number of those who were there before a list under a wrong scope', async () => {
      await world.send(
        people(20).map(({ externalId }) => ({ externalId: `hr-${externalId}` })),
        '&scope=hr',
      );
      expect((await world.send(people(200), '&scope=hr')).body).toMatchObject({ status: 'held' });
      const { text } = await world.send(people(200), '&scope=hr&dryRun=true');
      const removals = { missing: 20, people: 20, held: true };
      expect(JSON.parse(text.trim().split('\n').at(-1) ?? '')).toMatchObject({ removals });
    });

    it('says why nobody would be missing', async () => {
      await world.send(people(2));
      const { text } = await world.send([{ userName: 'x' }], '&dryRun=true');
      expect(text).toMatch(/"missing":0,"error":"Nobody is taken for missing: record 1 /);
    });
  });

  describe('of a connection with a grace period', () => {
    const HOURS = 48;
    beforeEach(async () => {
      world = await SnapshotWorld.build(rollcall, HOURS);
    });
    const timePasses = () =>
      rollcall.database.transaction(async (tx) => {
        const now = Date.now() * 1000;
        await tx.query(`UPDATE run_entries SET dueAt = ? WHERE state = 'leaving'`, [now]);
        await tx.query('UPDATE identities SET leavingAt = ? WHERE leavingAt IS NOT NULL', [now]);
      });

    it('marks who is missing as leaving; they are active, and everybody can see when that ends', async () => {
      await world.send(people(40));
      const { body } = await world.send(people(38));
      expect(body).toMatchObject({ status: 'finished', missing: 2, counts: { deactivated: 0, held: 0, leaving: 2 } });
      expect([(await world.leaving()).sort(), await world.inactive()]).toEqual([['s-38', 's-39'], []]);
      expect(await world.eventsOf(body.run)).toEqual(['user.leaving sync', 'user.leaving sync']);
      const [user] = (
        await world.key.get<{ items: { identities: { leavingAt: string }[] }[] }>('/users?q=s-39%40x.example')
      ).body.items;
      const at = Date.parse(user?.identities[0]?.leavingAt ?? '');
      expect(Math.abs(at - Date.now() - HOURS * 3_600_000)).toBeLessThan(60_000);
      // Another snapshot without them gives them no more time, and does not count them twice.
      expect((await world.send(people(38))).body).toMatchObject({ missing: 0, counts: { unchanged: 38 } });
    });

    it('switches them off when their time is over, and tells it of the same run', async () => {
      await world.send(people(40));
      const { body } = await world.send(people(39));
      await timePasses();
      while ((await world.inactive()).length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
      const run = await world.key.get(`/sync-runs/${body.run}`);
      expect(run.body).toMatchObject({ status: 'finished', counts: { deactivated: 1, leaving: 0 } });
      expect(await world.leaving()).toEqual([]);
    });

    it('lets nobody stay who was stated again, but is missing from another one since', async () => {
      await world.send(people(40));
      const { run } = (await world.send(people(39))).body;
      await world.key.post('/users/sync', [person(39)]);
      await world.send(people(39));
      await rollcall.database.transaction((tx) =>
        tx.query(`UPDATE run_entries SET dueAt = dueAt - 1, state = 'due' WHERE runId = ?`, [run]),
      );
      const states = async () =>
        (await rollcall.database.read.findBy(RunEntryEntity, { runId: run })).map(({ state }) => state);
      while ((await states()).includes('due')) await new Promise((resolve) => setTimeout(resolve, 50));
      expect([await states(), await world.leaving()]).toEqual([['skipped'], ['s-39']]);
    });

    it('lets whoever is stated again stay, though nothing new is said of them', async () => {
      await world.send(people(40));
      await world.send(people(38));
      expect((await world.key.post<{ counts: object }>('/users/sync', [person(38)])).body.counts).toMatchObject({
        updated: 1,
      });
      expect(await world.leaving()).toEqual(['s-39']);
      await world.send(people(40));
      expect(await world.leaving()).toEqual([]);
      await timePasses();
      await new Promise((resolve) => setTimeout(resolve, 1200));
      expect(await world.inactive()).toEqual([]);
    });
  });
});
