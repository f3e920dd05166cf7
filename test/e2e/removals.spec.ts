import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EventEntity } from '../../src/ledger/event.entity.js';
import { Clock, MINUTE } from '../../src/platform/clock.js';
import { RemovalsService } from '../../src/provisioning/removals.service.js';
import { RunEntity, RunEntryEntity } from '../../src/records/sync-runs/run.entity.js';
import { people, RemovalsWorld } from '../support/removals-world.js';
import { sendStream, toLines } from '../support/send-stream.js';
import { startApp, type TestApp } from '../support/start-app.js';

let rollcall: TestApp;
let world: RemovalsWorld;
beforeAll(async () => {
  rollcall = await startApp();
});
afterAll(() => rollcall.stop());
beforeEach(async () => {
  world = await RemovalsWorld.build(rollcall);
});

const names = (count: number, from = 0) => people(count, {}, from).map(({ externalId }) => externalId);
const sorted = (list: string[]) => [...list].sort();
const off = { active: false };

describe('the safety catch of a push', () => {
  it('lets fewer than three go at once, whatever share of the connection they are', async () => {
    await world.push(people(4));
    const { body } = await world.push(people(2, off));
    expect(body.results.map(({ result }) => result)).toEqual(['deactivated', 'deactivated']);
    expect(await world.active()).toEqual(['p-2', 'p-3']);
  });

  it('lets more than three go that are no more than ten per cent', async () => {
    await world.push(people(40));
    const { body } = await world.push(people(4, off));
    expect([body.counts.deactivated, body.counts.held]).toEqual([4, 0]);
  });

  it('holds what takes away from more, and applies what creates and updates', async () => {
    await world.push(people(20));
    const users = [...people(3, off), ...people(1, { displayName: 'New name' }, 5), ...people(2, {}, 100)];
    const { status, body } = await world.push(users);
    const results = ['held', 'held', 'held', 'updated', 'created', 'created'];
    expect([status, body.results.map(({ result }) => result)]).toEqual([200, results]);
    expect(await world.active()).toEqual(sorted([...names(20), ...names(2, 100)]));
    const run = (await world.run(body.run)).body;
    expect(run).toMatchObject({
      status: 'held',
      counts: { created: 2, updated: 1, held: 3, deactivated: 0 },
      error: expect.stringContaining('switch off 3'),
    });
    expect(Date.parse(String(run.heldUntil)) - Date.parse(String(run.startedAt))).toBeGreaterThanOrEqual(
      7 * 86_400_000,
    );
    const told = await rollcall.database.read.findBy(EventEntity, { subjectId: body.run });
    expect(told.map(({ type }) => type)).toEqual(['run.held']);
  });

  it('shows the plan, and takes away exactly that once somebody approves', async () => {
    await world.push(people(20));
    const { run } = (await world.push(people(5, off))).body;
    const plan = (await world.plan(run, '?limit=2')).body;
    expect(plan).toMatchObject({
      status: 'held',
      removals: { deactivated: 5, reduced: 0, people: 20, states: { held: 5 } },
    });
    expect(plan.items).toMatchObject([
      {
        record: 1,
        externalId: 'p-0',
        change: 'statement',
        deactivates: true,
        state: 'held',
        userName: 'p-0@x.example',
      },
      { record: 2, externalId: 'p-1' },
    ]);
    const { items, removals } = (await world.plan(run, `?limit=10&cursor=${plan.cursor}`)).body;
    expect([items.length, removals]).toEqual([3, null]);
    const approved = await world.decide(run, 'approve');
    expect([approved.status, approved.body.status]).toEqual([200, 'running']);
    expect(await world.ended(run)).toMatchObject({ status: 'finished', counts: { deactivated: 5, held: 0 } });
    expect(await world.active()).toEqual(sorted(names(15, 5)));
    expect((await world.plan(run)).body.removals.states).toEqual({ applied: 5 });
    const kept = await rollcall.database.read.findBy(RunEntryEntity, { runId: run });
    expect(kept.every(({ statement }) => statement === null)).toBe(true);
    // What it took away is known by its digest: sent again it is nothing new.
    expect((await world.push(people(5, off))).body.counts).toMatchObject({ unchanged: 5, held: 0 });
  });

  it('approved twice at once, one wins and the other hears 409; nobody loses anything twice', async () => {
    await world.push(people(20));
    const { run } = (await world.push(people(6, off))).body;
    const answers = await Promise.all([world.decide(run, 'approve'), world.decide(run, 'approve')]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    await world.ended(run);
    const where = { tenantId: world.tenantId, type: 'user.deactivated' };
    expect(await rollcall.database.read.countBy(EventEntity, where)).toBe(6);
    expect((await world.decide(run, 'reject')).status).toBe(409);
  });

  it('skips whoever was stated since, and adds nobody', async () => {
    await world.push(people(20));
    const { run } = (await world.push(people(5, off))).body;
    await world.push([{ ...people(1)[0], displayName: 'Still here' }]);
    await world.decide(run, 'approve');
    expect((await world.ended(run)).counts).toMatchObject({ deactivated: 4, stale: 1, held: 0 });
    expect(await world.active()).toContain('p-0');
  });

  it('skips whoever was named since, though nothing new was said of them', async () => {
    await world.push(people(20));
    const { run } = (await world.push(people(5, off))).body;
    const lines = toLines(people(2));
    expect((await sendStream(world.admin, lines, `?connection=${world.connectionId}`)).body.counts.unchanged).toBe(2);
    await world.decide(run, 'approve');
    expect((await world.ended(run)).counts).toMatchObject({ deactivated: 3, stale: 2, held: 0 });
    expect(await world.active()).toEqual(sorted([...names(2), ...names(15, 5)]));
  });

  it('cannot be cancelled while it is held, nor afterwards', async () => {
    await world.push(people(20));
    const { run } = (await world.push(people(5, off))).body;
    expect((await world.admin.post(`/sync-runs/${run}/cancel`, undefined)).status).toBe(409);
    await world.decide(run, 'reject');
    expect((await world.admin.post(`/sync-runs/${run}/cancel`, undefined)).status).toBe(409);
  });

  it('rejected, takes nothing away; the same said again is held again', async () => {
    await world.push(people(20));
    const { run } = (await world.push(people(5, off))).body;
    const rejected = await world.decide(run, 'reject');
    expect([rejected.status, rejected.body.status]).toEqual([200, 'rejected']);
    expect((await world.decide(run, 'approve')).status).toBe(409);
    expect(await world.active()).toHaveLength(20);
    expect((await world.push(people(5, off))).body.counts.held).toBe(5);
  });

  it('lapses when nobody has agreed in time', async () => {
    await world.push(people(20));
    const { run } = (await world.push(people(5, off))).body;
    await rollcall.database.transaction((tx) => tx.update(RunEntity, { id: run }, { heldUntil: 1 }));
    expect((await world.decide(run, 'approve')).status).toBe(409);
    const later = Date.now() * 1000 + MINUTE;
    const clock = jest.spyOn(rollcall.app.get(Clock), 'now').mockReturnValue(later);
    await rollcall.app.get(RemovalsService).workThrough();
    clock.mockRestore();
    expect((await world.run(run)).body.status).toBe('lapsed');
    expect(await world.active()).toHaveLength(20);
  });

  it('counts those who lose roles apart from those who are switched off', async () => {
    await world.push(people(20));
    const two = [...people(2, off), ...people(2, { roles: ['viewer'] }, 2)];
    expect((await world.push(two)).body.counts).toMatchObject({ deactivated: 2, updated: 2, held: 0 });
    const { body } = await world.push(people(4, { roles: ['viewer'] }, 4));
    expect(body.counts.held).toBe(4);
    const { removals, items } = (await world.plan(body.run)).body;
    expect(removals).toMatchObject({ deactivated: 0, reduced: 4, losses: [{ held: 'role editor', people: 4 }] });
    expect(items[0]).toMatchObject({ deactivates: false, loses: ['role editor'] });
  });

  it('refuses an atomic push that it would hold in part, as a whole', async () => {
    await world.push(people(20));
    const { status, body } = await world.push([...people(3, off), ...people(1, {}, 50)], { atomic: true });
    expect([status, body.code]).toEqual([422, 'batch_refused']);
    expect(await world.active()).toEqual(sorted(names(20)));
  });

  it('is told by a dry run, which writes nothing', async () => {
    await world.push(people(20));
    const { body } = await world.push([...people(3, off), ...people(1, {}, 50)], { dryRun: true });
    expect(body.results.map(({ result }) => result)).toEqual(['held', 'held', 'held', 'created']);
    expect([body.results[0], body.results[3]]).toMatchObject([
      { changes: { fields: expect.arrayContaining(['active']), granted: [], revoked: [] } },
      { changes: { granted: ['role editor', 'role viewer'], revoked: [] } },
    ]);
    expect(await rollcall.database.read.countBy(RunEntryEntity, { tenantId: world.tenantId })).toBe(0);
    const lines = toLines(people(3, off));
    const query = `?connection=${world.connectionId}&dryRun=true`;
    const { text } = await sendStream(world.admin, lines, query);
    const last = JSON.parse(text.trim().split('\n').at(-1) ?? '') as object;
    expect(last).toMatchObject({ removals: { deactivated: 3, reduced: 0, people: 20, held: true } });
  });

  it('needs its own permission, and is seen by its tenant alone', async () => {
    await world.push(people(20));
    const { run } = (await world.push(people(5, off))).body;
    const reader = await rollcall.clientWith(world.tenantId, ['sync-runs:read']);
    expect((await reader.post(`/sync-runs/${run}/approve`, undefined)).status).toBe(403);
    const other = await RemovalsWorld.build(rollcall);
    expect((await other.decide(run, 'approve')).status).toBe(404);
    expect((await other.plan(run)).status).toBe(404);
    expect((await world.run(run)).body.status).toBe('held');
  });
});

describe('the safety catch of a long push', () => {
  const query = () => `?connection=${world.connectionId}`;

  it('holds a stream by all of it, not by its chunks, and answers so', async () => {
    await world.push(people(1200));
    const lines = people(1200).map((each, n) => (n % 8 === 0 ? { ...each, ...off } : each));
    const { status, body } = await sendStream(world.admin, toLines(lines), query());
    expect([status, body.status, body.counts.held, body.counts.unchanged]).toEqual([200, 'held', 150, 1050]);
    expect(await world.active()).toHaveLength(1200);
    await world.decide(body.run, 'approve');
    expect(await world.ended(body.run)).toMatchObject({ status: 'finished', counts: { deactivated: 150, held: 0 } });
    expect(await world.active()).toHaveLength(1050);
  });

  it('applies at the end of a stream what is within the limits', async () => {
    await world.push(people(1200));
    const lines = people(1200).map((each, n) => (n % 11 === 0 ? { ...each, ...off } : each));
    const { body } = await sendStream(world.admin, toLines(lines), query());
    expect([body.status, body.counts.deactivated, body.counts.held]).toEqual(['finished', 110, 0]);
    expect(await world.active()).toHaveLength(1090);
  });

  it('ends a body of many chunks as a stream, with a result for each record', async () => {
    await world.push(people(1200));
    const users = people(1200).map((each, n) => ({ ...each, displayName: 'x', ...(n < 100 ? off : {}) }));
    const { body } = await world.push(users);
    expect(body.counts).toMatchObject({ deactivated: 100, updated: 1100, held: 0 });
    const around = body.results.slice(98, 102).map(({ result }) => result);
    expect(around).toEqual(['deactivated', 'deactivated', 'updated', 'updated']);
    expect((await world.run(body.run)).body).toMatchObject({ status: 'finished', counts: { deactivated: 100 } });
  });

  it('lets the last word of a stream win, though the first one waits', async () => {
    await world.push(people(20));
    const lines = [...people(2, off), ...people(1, { active: true }), ...people(5, {}, 600)];
    const { body } = await sendStream(world.admin, toLines(lines), query());
    expect(body.status).toBe('finished');
    expect(await world.active()).toEqual(sorted([...names(1), ...names(18, 2), ...names(5, 600)]));
  });

  it('lets it win from a later chunk too, though it says no more than was stored before', async () => {
    const on = { active: true };
    await world.push(people(1200, on));
    const lines = [...people(2, off), ...people(1198, on, 2), ...people(1, on)];
    const { body } = await sendStream(world.admin, toLines(lines), query());
    expect(body.status).toBe('finished');
    expect(await world.active()).toEqual(sorted([...names(1), ...names(1198, 2)]));
  });

  it('counts nobody whom the stream itself made, and takes from them what its later lines say', async () => {
    const lines = [...people(1197), ...people(3, off)];
    const { body } = await sendStream(world.admin, toLines(lines), query());
    expect([body.status, body.counts.deactivated, body.counts.held]).toEqual(['finished', 3, 0]);
    expect(await world.active()).toHaveLength(1194);
  });

  it('counts those who were there before, beside people whom the stream made', async () => {
    await world.push(people(3));
    const { body } = await sendStream(world.admin, toLines([...people(1197, {}, 3), ...people(6, off)]), query());
    expect([body.status, body.counts.held]).toEqual(['held', 6]);
  });
});
