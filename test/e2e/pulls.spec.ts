import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { PullOrders } from '../../src/flows/sync/pull-orders.js';
import { Clock, DAY, HOUR, MINUTE } from '../../src/platform/clock.js';
import { ConnectionSourceEntity } from '../../src/records/sources/source.entity.js';
import { RunEntity, RunPartEntity } from '../../src/records/sync-runs/run.entity.js';
import { PULL_PERMISSIONS, PullWorld, toPeople } from '../support/pull-world.js';
import { seedCustomer } from '../support/seed-customer.js';

describe('a pull', () => {
  let world: PullWorld;
  beforeAll(async () => {
    world = await PullWorld.build();
  }, 60_000);
  afterAll(() => world.stop());
  beforeEach(() => world.renew());
  afterEach(() => world.settle());

  it('that somebody asks for is a run of its own, and what the source leaves is where the next begins', async () => {
    await world.seed();
    const first = await world.ended(await world.start());
    expect(first).toMatchObject({
      kind: 'pull',
      cause: 'request',
      mode: 'upsert',
      status: 'finished',
      actor: { type: 'api-key' },
      counts: { created: 250 },
      upTo: 250,
      connection: world.connectionId,
    });
    expect(await world.identities()).toBe(250);
    expect(await world.rollcall.database.read.countBy(RunPartEntity, { runId: first.id })).toBe(0);
    const second = await world.ended(await world.start({ full: false }));
    expect(second).toMatchObject({ status: 'finished', counts: { unchanged: 250 } });
    expect(world.source.readings).toEqual([
      { mode: 'changes', place: { state: null, page: null } },
      { mode: 'changes', place: { state: 'reading 1', page: null } },
    ]);
    expect(await world.stored()).toMatchObject({ state: 'reading 2', failures: 0, lastRunId: second.id });
  });

  it('of everything is a snapshot of what the source speaks for', async () => {
    await world.seed();
    const run = await world.ended(await world.start({ full: true }));
    expect(run).toMatchObject({ mode: 'snapshot', status: 'finished' });
    expect(world.source.readings[0]?.mode).toBe('full');
    const row = await world.rollcall.database.read.findOneByOrFail(RunEntity, { id: run.id });
    expect([row.scope, row.statedAt]).toEqual(['source', row.startedAt]);
  });

  it('refuses what is bad record by record', async () => {
    world.source.people = [...toPeople(2), { externalId: 'bad', roles: ['unheard-of'] }, { nobody: true }];
    await world.seed();
    const run = await world.ended(await world.start());
    expect(run).toMatchObject({ status: 'finished', counts: { created: 2, failed: 2 } });
    const failures = await world.http.get(`/sync-runs/${run.id}/failures`);
    expect(failures.body).toMatchObject({ items: [{ record: 3, externalId: 'bad' }, { record: 4 }] });
  });

  it('begins when it is due, once on however many instances, and what was missed meanwhile is caught up by that', async () => {
    await world.seed({ cron: '0 * * * *', nextAt: world.now() - 30 * HOUR });
    await Promise.all([world.lookRound(), world.lookRound(), world.lookRound()]);
    await world.until(async () => (await world.runs())[0]?.status === 'finished');
    await world.lookRound();
    expect(await world.runs()).toMatchObject([
      { cause: 'schedule', mode: 'upsert', actor: { type: 'system', id: 'system' }, counts: { created: 250 } },
    ]);
    const { nextAt } = await world.stored();
    expect([(nextAt ?? 0) % HOUR, (nextAt ?? 0) > world.now()]).toEqual([0, true]);
  });

  it('of everything comes on its own schedule, and does what was due of the other too', async () => {
    await world.seed({
      cron: '0 * * * *',
      nextAt: world.now() - 1,
      fullCron: '0 3 * * *',
      nextFullAt: world.now() - 1,
    });
    await world.lookRound();
    await world.until(async () => (await world.runs())[0]?.status === 'finished');
    await world.lookRound();
    expect(await world.runs()).toMatchObject([{ cause: 'schedule', mode: 'snapshot' }]);
    const { nextAt, nextFullAt } = await world.stored();
    expect([nextAt, nextFullAt].every((next) => (next ?? 0) > world.now())).toBe(true);
  });

  it.each([
    ['of its own schedule', { nextFullAt: 1, fullCron: '0 3 * * *' }],
    ['of the only schedule', { nextAt: 1, cron: '0 3 * * *', fullCron: null }],
  ])('of changes that somebody asks for leaves a reading of everybody due, %s', async (_, due) => {
    const orders = [world.rollcall.app, world.other].map((app) => app.get(PullOrders));
    const asleep = orders.map((each) => jest.spyOn(each, 'orderDue').mockResolvedValue());
    await world.seed(due);
    await world.ended(await world.start({ full: false }));
    expect(await world.stored()).toMatchObject(due);
    for (const each of asleep) each.mockRestore();
    await world.until(async () => {
      await world.lookRound();
      return (await world.runs()).filter(({ status }) => status !== 'running').length === 2;
    });
    expect(await world.runs()).toMatchObject([{ cause: 'schedule' }, { cause: 'request', mode: 'upsert' }]);
  });

  it('does not overlap another: who asks is told which is under way, and what falls due waits for its end', async () => {
    const gate = Promise.withResolvers<void>();
    world.source.before = (from) => (from === 100 ? gate.promise : undefined);
    await world.seed({ cron: '0 * * * *' });
    const first = await world.start();
    await world.lookRound();
    await world.until(async () => world.source.readings.length === 1);
    const again = await world.post('sync');
    expect([again.status, again.body.code, again.body.run]).toEqual([409, 'conflict', first]);
    await world.set({ nextAt: world.now() - 1 });
    await world.lookRound();
    expect(await world.runs()).toHaveLength(1);
    gate.resolve();
    await world.ended(first);
    await world.lookRound();
    await world.until(async () => (await world.runs()).filter(({ status }) => status === 'finished').length === 2);
    expect(world.source.readings).toHaveLength(2);
  });

  it('that is cancelled stops, keeps what was committed, and is not the source having failed', async () => {
    world.source.people = toPeople(2000);
    world.source.before = (from) => (from < 1000 ? undefined : new Promise(() => undefined));
    await world.seed();
    const run = await world.start();
    await world.lookRound();
    await world.until(async () => (await world.identities()) === 1000);
    expect((await world.http.post(`/sync-runs/${run}/cancel`)).status).toBe(200);
    expect(await world.ended(run)).toMatchObject({ status: 'cancelled', upTo: 1000, counts: { created: 1000 } });
    expect(await world.stored()).toMatchObject({ failures: 0, suspendedAt: null, state: null });
  });

  it('that nobody has begun can be cancelled, and is never begun', async () => {
    await world.seed();
    const run = await world.start();
    await world.http.post(`/sync-runs/${run}/cancel`);
    expect(await world.ended(run)).toMatchObject({ status: 'cancelled', counts: {} });
    expect([world.source.readings.length, await world.identities()]).toEqual([0, 0]);
  });

  it('that a clock which ran ahead has put off is due by the right one again', async () => {
    await world.seed({ cron: '0 * * * *', nextAt: world.now() - 1 });
    const clock = world.rollcall.app.get(Clock);
    const right = clock.now.bind(clock);
    clock.now = () => right() + 40 * DAY;
    await world.rollcall.app.get(PullOrders).orderDue();
    clock.now = right;
    expect(((await world.stored()).nextAt ?? 0) - world.now()).toBeGreaterThan(39 * DAY);
    await world.rollcall.app.get(PullOrders).orderDue();
    expect(((await world.stored()).nextAt ?? 0) - world.now()).toBeLessThanOrEqual(HOUR);
  });

  it('that failed while the clock ran ahead is due by the right one too, and is left alone for as long as before', async () => {
    const [soon, late] = [world.now() + 50 * MINUTE, world.now() + 400 * DAY];
    const lookAsAtStart = () => new PullOrders(world.rollcall.database, world.rollcall.app.get(Clock)).orderDue();
    await world.seed({ cron: '* * * * *', fullCron: null, failures: 3, nextAt: late, nextFullAt: late });
    await lookAsAtStart();
    const { nextAt, nextFullAt } = await world.stored();
    expect((nextAt ?? 0) - world.now()).toBeLessThanOrEqual(MINUTE);
    expect((nextFullAt ?? 0) - world.now()).toBeLessThanOrEqual(0);
    await world.set({ nextAt: soon, nextFullAt: late });
    await lookAsAtStart();
    expect((await world.stored()).nextAt).toBe(soon);
  });

  it('of one source that cannot be put on a schedule any more keeps no other from being read', async () => {
    await world.seed({ nextFullAt: world.now() - 2 * HOUR, fullCron: '0 3 1 1 *', timeZone: 'Atlantis/Center' });
    const mended = world.connectionId;
    await world.renew();
    await world.seed({ nextFullAt: world.now() - HOUR });
    await world.lookRound();
    await world.until(async () => (await world.runs())[0]?.status === 'finished');
    await world.rollcall.database.transaction((tx) =>
      tx.update(ConnectionSourceEntity, { connectionId: mended }, { nextFullAt: null }),
    );
  });

  it('of another tenant, of a connection without a source, or of one that is disabled is refused', async () => {
    expect((await world.post('sync')).status).toBe(404);
    await world.seed();
    const stranger = await world.rollcall.clientWith(await seedCustomer(world.rollcall), PULL_PERMISSIONS);
    for (const action of ['sync', 'resume']) {
      expect((await stranger.post(`/connections/${world.connectionId}/${action}`)).status).toBe(404);
    }
    const mere = await world.rollcall.clientWith(world.tenantId, ['sync-runs:read']);
    expect((await mere.post(`/connections/${world.connectionId}/sync`)).status).toBe(403);
    expect((await world.post('sync', { full: 'yes' })).status).toBe(400);
    await world.rollcall.database.transaction((tx) =>
      tx.query("UPDATE connections SET status = 'disabled' WHERE id = ?", [world.connectionId]),
    );
    await world.set({ nextAt: world.now() - 1 });
    expect((await world.post('sync')).status).toBe(409);
    await world.lookRound();
    expect(await world.runs()).toEqual([]);
  });
});
