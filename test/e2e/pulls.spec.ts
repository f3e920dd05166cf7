import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { AppModule } from '../../src/app.module.js';
import { PullOrders } from '../../src/flows/sync/pull-orders.js';
import { PullWorker } from '../../src/flows/sync/pull-worker.js';
import { SourceFailure } from '../../src/flows/sync/sources/source-reader.js';
import { SourceReaders } from '../../src/flows/sync/sources/source-readers.js';
import { Clock, DAY, HOUR, MINUTE, parseTime } from '../../src/platform/clock.js';
import { CONFIG, type Config } from '../../src/platform/config.js';
import { createHttpApp } from '../../src/platform/http-app.js';
import { EventEntity } from '../../src/ledger/event.entity.js';
import { ConnectionSourceEntity } from '../../src/records/sources/source.entity.js';
import { RunEntity, RunPartEntity } from '../../src/records/sync-runs/run.entity.js';
import { IdentityEntity } from '../../src/records/users/identity.entity.js';
import type { HttpClient } from '../support/http-client.js';
import { ScriptedSource, seedSource } from '../support/scripted-source.js';
import { seedCustomer, seedFullConnection } from '../support/seed-customer.js';
import { startApp, type TestApp } from '../support/start-app.js';

interface Run extends Record<string, unknown> {
  id: string;
  status: string;
  counts: Record<string, number>;
}

const PERMISSIONS = ['users:sync', 'sync-runs:read', 'connections:write'];

describe('a pull', () => {
  let rollcall: TestApp;
  let other: NestFastifyApplication;
  let source: ScriptedSource;
  let tenantId: string;
  let connectionId: string;
  let http: HttpClient;

  beforeAll(async () => {
    rollcall = await startApp();
    const config = rollcall.app.get<Config>(CONFIG);
    other = await createHttpApp(AppModule.with(config, rollcall.database), config);
    await other.listen(0, '127.0.0.1');
    for (const app of [rollcall.app, other]) app.get(SourceReaders).open = () => source;
  }, 60_000);
  afterAll(async () => {
    await other.close();
    await rollcall.stop();
  });
  beforeEach(async () => {
    source = new ScriptedSource();
    source.people = people(250);
    tenantId = await seedCustomer(rollcall);
    connectionId = await seedFullConnection(rollcall, tenantId);
    http = await rollcall.clientWith(tenantId, PERMISSIONS);
  });

  /** Nothing of one test falls due in another. */
  afterEach(async () => {
    await set({ nextAt: null, nextFullAt: null });
    const running = { kind: 'pull', status: 'running' } as const;
    await until(async () => (await rollcall.database.read.countBy(RunEntity, running)) === 0);
  });

  const people = (count: number, more: object = {}) =>
    Array.from({ length: count }, (_, n) => ({ externalId: `p-${n}`, roles: ['viewer'], ...more }));
  const seed = (over: Partial<ConnectionSourceEntity> = {}) => seedSource(rollcall, { tenantId, connectionId }, over);
  const now = () => rollcall.app.get(Clock).now();
  const stored = () => rollcall.database.read.findOneByOrFail(ConnectionSourceEntity, { connectionId });
  const set = (over: Partial<ConnectionSourceEntity>) =>
    rollcall.database.transaction((tx) => tx.update(ConnectionSourceEntity, { connectionId }, over as never));
  const runs = async () => (await http.get<{ items: Run[] }>(`/sync-runs?connection=${connectionId}`)).body.items;
  const lookRound = async () => {
    await Promise.all([rollcall.app, other].map((app) => app.get(PullWorker).lookRound()));
  };
  const start = async (body?: object): Promise<string> => {
    const answer = await http.post<{ run: string }>(`/connections/${connectionId}/sync`, body);
    expect([answer.status, answer.headers.get('location')]).toEqual([202, `/sync-runs/${answer.body.run}`]);
    return answer.body.run;
  };
  async function until(holds: () => Promise<boolean>): Promise<void> {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const ended = async (run: string): Promise<Run> => {
    await lookRound();
    let found: Run | null = null;
    await until(async () => {
      found = (await http.get<Run>(`/sync-runs/${run}`)).body;
      return found.status !== 'running';
    });
    return found as unknown as Run;
  };
  const identities = () => rollcall.database.read.countBy(IdentityEntity, { connectionId });

  it('that somebody asks for is a run of its own, and what the source leaves is where the next begins', async () => {
    await seed();
    const first = await ended(await start());
    expect(first).toMatchObject({
      kind: 'pull',
      cause: 'request',
      mode: 'upsert',
      status: 'finished',
      actor: { type: 'api-key' },
      counts: { created: 250 },
      upTo: 250,
      connection: connectionId,
    });
    expect(await identities()).toBe(250);
    expect(await rollcall.database.read.countBy(RunPartEntity, { runId: first.id })).toBe(0);
    const second = await ended(await start({ full: false }));
    expect(second).toMatchObject({ status: 'finished', counts: { unchanged: 250 } });
    expect(source.readings).toEqual([
      { mode: 'changes', place: { state: null, page: null } },
      { mode: 'changes', place: { state: 'reading 1', page: null } },
    ]);
    expect(await stored()).toMatchObject({ state: 'reading 2', failures: 0, lastRunId: second.id });
  });

  it('of everything is a snapshot of what the source speaks for', async () => {
    await seed();
    const run = await ended(await start({ full: true }));
    expect(run).toMatchObject({ mode: 'snapshot', status: 'finished' });
    expect(source.readings[0]?.mode).toBe('full');
    const row = await rollcall.database.read.findOneByOrFail(RunEntity, { id: run.id });
    expect([row.scope, row.statedAt]).toEqual(['source', row.startedAt]);
  });

  it('refuses what is bad record by record', async () => {
    source.people = [...people(2), { externalId: 'bad', roles: ['unheard-of'] }, { nobody: true }];
    await seed();
    const run = await ended(await start());
    expect(run).toMatchObject({ status: 'finished', counts: { created: 2, failed: 2 } });
    const failures = await http.get(`/sync-runs/${run.id}/failures`);
    expect(failures.body).toMatchObject({ items: [{ record: 3, externalId: 'bad' }, { record: 4 }] });
  });

  it('begins when it is due, once on however many instances, and what was missed meanwhile is caught up by that', async () => {
    await seed({ cron: '0 * * * *', nextAt: now() - 30 * HOUR });
    await Promise.all([lookRound(), lookRound(), lookRound()]);
    await until(async () => (await runs())[0]?.status === 'finished');
    await lookRound();
    expect(await runs()).toMatchObject([
      { cause: 'schedule', mode: 'upsert', actor: { type: 'system', id: 'system' }, counts: { created: 250 } },
    ]);
    const { nextAt } = await stored();
    expect([(nextAt ?? 0) % HOUR, (nextAt ?? 0) > now()]).toEqual([0, true]);
  });

  it('of everything comes on its own schedule, and does what was due of the other too', async () => {
    await seed({ cron: '0 * * * *', nextAt: now() - 1, fullCron: '0 3 * * *', nextFullAt: now() - 1 });
    await lookRound();
    await until(async () => (await runs())[0]?.status === 'finished');
    await lookRound();
    expect(await runs()).toMatchObject([{ cause: 'schedule', mode: 'snapshot' }]);
    const { nextAt, nextFullAt } = await stored();
    expect([nextAt, nextFullAt].every((next) => (next ?? 0) > now())).toBe(true);
  });

  it('does not overlap another: who asks is told which is under way, and what falls due waits for its end', async () => {
    const gate = Promise.withResolvers<void>();
    source.before = (from) => (from === 100 ? gate.promise : undefined);
    await seed({ cron: '0 * * * *' });
    const first = await start();
    await lookRound();
    await until(async () => source.readings.length === 1);
    const again = await http.post(`/connections/${connectionId}/sync`);
    expect([again.status, again.body.code, again.body.run]).toEqual([409, 'conflict', first]);
    await set({ nextAt: now() - 1 });
    await lookRound();
    expect(await runs()).toHaveLength(1);
    gate.resolve();
    await ended(first);
    await lookRound();
    await until(async () => (await runs()).filter(({ status }) => status === 'finished').length === 2);
    expect(source.readings).toHaveLength(2);
  });

  it('that is cancelled stops, keeps what was committed, and is not the source having failed', async () => {
    source.people = people(2000);
    source.before = (from) => (from < 1000 ? undefined : new Promise(() => undefined));
    await seed();
    const run = await start();
    await lookRound();
    await until(async () => (await identities()) === 1000);
    expect((await http.post(`/sync-runs/${run}/cancel`)).status).toBe(200);
    expect(await ended(run)).toMatchObject({ status: 'cancelled', upTo: 1000, counts: { created: 1000 } });
    expect(await stored()).toMatchObject({ failures: 0, suspendedAt: null, state: null });
  });

  it('that nobody has begun can be cancelled, and is never begun', async () => {
    await seed();
    const run = await start();
    await http.post(`/sync-runs/${run}/cancel`);
    expect(await ended(run)).toMatchObject({ status: 'cancelled', counts: {} });
    expect([source.readings.length, await identities()]).toEqual([0, 0]);
  });

  it('whose source stumbles in the middle goes on at that page', async () => {
    let stumbles = 2;
    source.before = (from) => {
      if (from === 200 && stumbles-- > 0) throw new SourceFailure('unreachable', 'It answered with status 502.');
    };
    await seed();
    expect(await ended(await start())).toMatchObject({ status: 'finished', counts: { created: 250 }, upTo: 250 });
    expect(source.readings.map(({ place }) => place.page)).toEqual([null, 200, 200]);
  });

  it('that fails is tried again after a minute, then two, and the source is suspended after five failures in a row', async () => {
    source.before = () => {
      throw new SourceFailure('unreachable', 'people.example.com answered with status 500.');
    };
    await seed({ cron: '0 3 1 1 *', nextAt: now() - 1 });
    for (let failures = 1; failures <= 4; failures++) {
      await lookRound();
      await until(async () => (await stored()).failures === failures);
      const { nextAt, suspendedAt } = await stored();
      const minutes = ((nextAt ?? 0) - now()) / MINUTE;
      expect([Math.round(minutes), suspendedAt]).toEqual([2 ** (failures - 1), null]);
      await set({ nextAt: now() - 1 });
    }
    await lookRound();
    await until(async () => (await stored()).failures === 5);
    const { suspendedAt, suspendedReason } = await stored();
    const reason = 'people.example.com answered with status 500. It failed 5 times in a row.';
    expect([suspendedAt !== null, suspendedReason]).toEqual([true, reason]);
    const events = await rollcall.database.read.findBy(EventEntity, { tenantId, type: 'connection.source_suspended' });
    expect(events).toMatchObject([{ subjectId: connectionId, reason, runId: (await runs())[0]?.id }]);
    expect(await runs()).toMatchObject(Array.from({ length: 5 }, () => ({ status: 'broken' })));
  });

  it('that works ends the counting of failures', async () => {
    await seed({ failures: 4 });
    await ended(await start());
    expect((await stored()).failures).toBe(0);
  });

  it('that the source refuses suspends it at once; nothing is read until it is resumed, which asks it first', async () => {
    source.before = () => {
      throw new SourceFailure('unauthorized', 'people.example.com answered with status 401.');
    };
    await seed({ cron: '0 * * * *', nextAt: now() - 1 });
    await lookRound();
    await until(async () => (await stored()).suspendedAt !== null);
    expect(await runs()).toMatchObject([{ status: 'broken', error: 'people.example.com answered with status 401.' }]);
    const asked = source.readings.length;
    await lookRound();
    const refused = await http.post(`/connections/${connectionId}/sync`);
    expect([refused.status, refused.body.code]).toEqual([409, 'source_suspended']);
    expect([source.readings.length, (await runs()).length]).toEqual([asked, 1]);
    const early = await http.post(`/connections/${connectionId}/resume`);
    expect([early.status, early.body.code]).toEqual([502, 'source_failed']);
    expect((await stored()).suspendedAt).not.toBeNull();

    source.before = () => undefined;
    const resumed = await http.post(`/connections/${connectionId}/resume`);
    expect([resumed.status, parseTime(String(resumed.body.nextAt)) ?? now()]).toEqual([200, expect.any(Number)]);
    expect(await stored()).toMatchObject({ suspendedAt: null, suspendedReason: null, failures: 0 });
    await lookRound();
    await until(async () => (await runs())[0]?.status === 'finished');
    expect(await identities()).toBe(250);
    const events = await rollcall.database.read.findBy(EventEntity, { tenantId, type: 'connection.source_resumed' });
    expect(events).toHaveLength(1);
  });

  it('ends where an admin changes the source meanwhile, and does not count against it', async () => {
    const gate = Promise.withResolvers<void>();
    source.people = people(1500);
    source.before = (from) => (from === 1000 ? gate.promise : undefined);
    await seed();
    const run = await start();
    await lookRound();
    await until(async () => (await identities()) === 1000);
    await set({ version: 2 });
    gate.resolve();
    expect(await ended(run)).toMatchObject({ status: 'broken', error: 'The source was changed meanwhile.' });
    expect(await stored()).toMatchObject({ failures: 0, state: null });
  });

  it('that a clock which ran ahead has put off is due by the right one again', async () => {
    await seed({ cron: '0 * * * *', nextAt: now() - 1 });
    const clock = rollcall.app.get(Clock);
    const right = clock.now.bind(clock);
    clock.now = () => right() + 40 * DAY;
    await rollcall.app.get(PullOrders).orderDue();
    clock.now = right;
    expect(((await stored()).nextAt ?? 0) - now()).toBeGreaterThan(39 * DAY);
    await rollcall.app.get(PullOrders).orderDue();
    expect(((await stored()).nextAt ?? 0) - now()).toBeLessThanOrEqual(HOUR);
  });

  it('of another tenant, of a connection without a source, or of one that is disabled is refused', async () => {
    expect((await http.post(`/connections/${connectionId}/sync`)).status).toBe(404);
    await seed();
    const stranger = await rollcall.clientWith(await seedCustomer(rollcall), PERMISSIONS);
    for (const action of ['sync', 'resume']) {
      expect((await stranger.post(`/connections/${connectionId}/${action}`)).status).toBe(404);
    }
    const mere = await rollcall.clientWith(tenantId, ['sync-runs:read']);
    expect((await mere.post(`/connections/${connectionId}/sync`)).status).toBe(403);
    expect((await http.post(`/connections/${connectionId}/sync`, { full: 'yes' })).status).toBe(400);
    await rollcall.database.transaction((tx) =>
      tx.query("UPDATE connections SET status = 'disabled' WHERE id = ?", [connectionId]),
    );
    await set({ nextAt: now() - 1 });
    expect((await http.post(`/connections/${connectionId}/sync`)).status).toBe(409);
    await lookRound();
    expect(await runs()).toEqual([]);
  });
});
