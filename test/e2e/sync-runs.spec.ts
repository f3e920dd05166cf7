import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { CONFIG, type Config } from '../../src/platform/config.js';
import { createHttpApp } from '../../src/platform/http-app.js';
import { AppModule } from '../../src/app.module.js';
import { Clock, DAY, SECOND } from '../../src/platform/clock.js';
import { Sweeper } from '../../src/platform/sweeper.js';
import { IdentityEntity } from '../../src/records/users/identity.entity.js';
import { RunEntity, RunFailureEntity, RunPartEntity } from '../../src/records/sync-runs/run.entity.js';
import { SyncRunsModule } from '../../src/records/sync-runs/sync-runs.module.js';
import { Leases } from '../../src/platform/leases.js';
import { newRun } from '../../src/records/sync-runs/run-rows.js';
import { newId } from '../../src/platform/ids.js';
import type { HttpClient } from '../support/http-client.js';
import { seedCustomer, seedFullConnection } from '../support/seed-customer.js';
import { SentStream, sendStream, toLines } from '../support/send-stream.js';
import { startApp, type TestApp } from '../support/start-app.js';

interface Run extends Record<string, unknown> {
  id: string;
  status: string;
  upTo: number;
}

describe('runs', () => {
  let rollcall: TestApp;
  let other: NestFastifyApplication;
  let tenantId: string;
  let connectionId: string;
  let key: HttpClient;

  beforeAll(async () => {
    rollcall = await startApp();
    const config = rollcall.app.get<Config>(CONFIG);
    other = await createHttpApp(AppModule.with(config, rollcall.database), config);
    await other.listen(0, '127.0.0.1');
  });
  afterAll(async () => {
    await other.close();
    await rollcall.stop();
  });
  beforeEach(async () => {
    tenantId = await seedCustomer(rollcall);
    connectionId = await seedFullConnection(rollcall, tenantId);
    key = await rollcall.clientWith(tenantId, ['users:sync', 'sync-runs:read'], connectionId);
  });

  const people = (count: number, more: object = {}) =>
    Array.from({ length: count }, (_, n) => ({ externalId: `r-${n}`, roles: ['viewer'], ...more }));
  const runs = async () => (await key.get<{ items: Run[] }>('/sync-runs')).body.items;
  async function until(holds: () => Promise<boolean>): Promise<void> {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const written = (count: number) =>
    until(async () => (await rollcall.database.read.countBy(IdentityEntity, { connectionId })) >= count);

  it('tell who, what called for it, mode, counts and end of a push of JSON, and list what it refused by its place', async () => {
    const body = [...people(3), { externalId: 'bad', roles: ['unheard-of'] }];
    const pushed = await key.post<{ run: string }>('/users/sync', body);
    const run = await key.get(`/sync-runs/${pushed.body.run}`);
    expect(run.body).toMatchObject({
      kind: 'push',
      cause: 'request',
      mode: 'upsert',
      status: 'finished',
      actor: { type: 'api-key' },
      counts: { created: 3, failed: 1 },
      upTo: 4,
      finishedAt: expect.any(String),
    });
    const failures = await key.get(`/sync-runs/${pushed.body.run}/failures`);
    expect(failures.body).toMatchObject({ items: [{ record: 4, externalId: 'bad' }], cursor: null });
  });

  it('of a long push of JSON exist from its start, and end with the push', async () => {
    const pushing = key.post<{ run: string }>('/users/sync', people(6000));
    await until(async () => (await runs()).length === 1);
    expect((await runs())[0]).toMatchObject({ status: 'running', phase: 'writing', kind: 'push' });
    const { body } = await pushing;
    expect(await runs()).toMatchObject([{ id: body.run, status: 'finished', counts: { created: 6000 }, upTo: 6000 }]);
  });

  it('are cancelled: the stream hears so, nothing more is written, and its key does not go on', async () => {
    const headers = { 'idempotency-key': 'cancelled' };
    const stream = new SentStream(key, '', headers);
    await stream.write(toLines(people(1100)));
    await written(1000);
    const [run] = await runs();
    const asked = await key.post<Run>(`/sync-runs/${run?.id}/cancel`);
    expect([asked.status, asked.body.id]).toEqual([200, run?.id]);
    const { status, body } = await stream.answer;
    expect([status, body.code, body.upTo, body.run]).toEqual([409, 'run_cancelled', 1000, run?.id]);
    stream.cut();
    expect(await runs()).toMatchObject([{ status: 'cancelled', phase: 'ended', upTo: 1000 }]);
    expect((await sendStream(key, toLines(people(1100)), '', headers)).body.code).toBe('run_cancelled');
    expect(await rollcall.database.read.countBy(IdentityEntity, { connectionId })).toBe(1000);
    expect((await key.post(`/sync-runs/${run?.id}/cancel`)).status).toBe(409);
  });

  it('of JSON are cancelled between their chunks', async () => {
    const pushing = key.post<{ code: string }>('/users/sync', people(10_000));
    await until(async () => (await runs()).length === 1);
    const [run] = await runs();
    expect((await key.post(`/sync-runs/${run?.id}/cancel`)).status).toBe(200);
    expect(await pushing).toMatchObject({ status: 409, body: { code: 'run_cancelled' } });
    expect((await runs())[0]).toMatchObject({ status: 'cancelled' });
    expect(await rollcall.database.read.countBy(IdentityEntity, { connectionId })).toBeLessThan(10_000);
  });

  it('that re-plan are not cancelled: people would be left between two rules', async () => {
    const now = rollcall.app.get(Clock).now();
    const by = { actorType: 'system', actorId: 'system', mappingVersion: 0, kind: 'replan', cause: 'change' } as const;
    const done = { status: 'finished', finishedAt: now } as const;
    const run = newRun({ id: newId(), tenantId, connectionId, mode: null, ...by }, now, done);
    await rollcall.database.transaction((tx) => tx.insert(RunEntity, run));
    expect((await key.post(`/sync-runs/${run.id}/cancel`)).status).toBe(409);
  });

  it('are listed newest first and a page at a time, also by connection, kind and status', async () => {
    const second = await seedFullConnection(rollcall, tenantId);
    const admin = await rollcall.clientWith(tenantId, ['users:sync', 'sync-runs:read']);
    const ids: string[] = [];
    for (const [n, connection] of [connectionId, second, connectionId, second, connectionId].entries()) {
      const kind = n < 2 ? 'import' : 'push';
      const { body } = await sendStream(admin, toLines(people(1)), `?connection=${connection}&kind=${kind}`);
      ids.unshift(body.run);
    }
    // Two that begin at one moment are two.
    await rollcall.database.transaction((tx) =>
      tx.query('UPDATE runs SET startedAt = 1 WHERE tenantId = ?', [tenantId]),
    );
    const list = async (query: string) => {
      const found: string[] = [];
      let cursor: string | null = null;
      do {
        const more: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
        const { body } = await admin.get<{ items: Run[]; cursor: string | null }>(`/sync-runs?limit=2${query}${more}`);
        found.push(...body.items.map(({ id }) => id));
        ({ cursor } = body);
      } while (cursor !== null);
      return found;
    };
    expect(await list('')).toEqual(ids);
    expect(await list(`&connection=${second}`)).toEqual([ids[1], ids[3]]);
    expect(await list('&kind=import&status=finished')).toEqual([ids[3], ids[4]]);
    expect(await list('&status=held')).toEqual([]);
  });

  it('of another tenant or another connection are not there', async () => {
    const { body } = await sendStream(key, toLines(people(1)));
    const strangers = [
      await rollcall.clientWith(await seedCustomer(rollcall), ['users:sync', 'sync-runs:read']),
      await rollcall.clientWith(
        tenantId,
        ['users:sync', 'sync-runs:read'],
        await seedFullConnection(rollcall, tenantId),
      ),
    ];
    for (const stranger of strangers) {
      for (const path of ['', '/failures', '/events'])
        expect((await stranger.get(`/sync-runs/${body.run}${path}`)).status).toBe(404);
      expect((await stranger.post(`/sync-runs/${body.run}/cancel`)).status).toBe(404);
    }
  });

  it('whose process died are told as broken, with what their parts have done, and may be called off', async () => {
    const now = rollcall.app.get(Clock).now();
    const by = { actorType: 'api-key', actorId: 'k', mappingVersion: 1, kind: 'push', cause: 'request' } as const;
    const standing = { upTo: 500, counts: { created: 500 }, digest: '', phase: 'receiving' } as const;
    const given = { id: newId(), tenantId, connectionId, mode: 'upsert', ...by } as const;
    const run = newRun(given, now - 60 * SECOND, { ...standing, aliveAt: now - 20 * SECOND });
    const part = (from: number) => ({
      runId: run.id,
      part: from,
      tenantId,
      upTo: from + 499,
      digest: '',
      counts: { created: 499, failed: 1 },
    });
    await rollcall.database.transaction(async (tx) => {
      await tx.insert(RunEntity, run);
      for (const from of [501, 1001, 2001]) await tx.insert(RunPartEntity, part(from));
    });
    const told = { status: 'broken', phase: 'ended', upTo: 1500, counts: { created: 1997, failed: 3 } };
    expect((await key.get(`/sync-runs/${run.id}`)).body).toMatchObject({ ...told, error: expect.any(String) });
    expect((await key.get<{ items: Run[] }>('/sync-runs?status=broken')).body.items).toMatchObject([{ id: run.id }]);
    expect((await key.get<{ items: Run[] }>('/sync-runs?status=running')).body.items).toEqual([]);
    expect((await key.post<Run>(`/sync-runs/${run.id}/cancel`)).body.status).toBe('cancelled');
  });

  it('are kept for SYNC_RUN_DAYS after their last sign of life, held ones until they are decided, and what they refused with them', async () => {
    const now = rollcall.app.get(Clock).now();
    const { body } = await sendStream(key, toLines([...people(2), { externalId: 'bad', roles: ['unheard-of'] }]));
    const { run: id } = body;
    const age = (days: number) =>
      rollcall.database.transaction(async (tx) => {
        await tx.update(RunEntity, { id }, { aliveAt: now - days * DAY });
        await tx.update(RunFailureEntity, { runId: id }, { at: now - days * DAY });
      });
    await age(89);
    await rollcall.app.get(Sweeper).sweep();
    expect((await key.get<{ items: object[] }>(`/sync-runs/${id}/failures`)).body.items).toHaveLength(1);
    await age(91);
    const toBe = (status: RunEntity['status']) =>
      rollcall.database.transaction((tx) => tx.update(RunEntity, { id }, { status }));
    await toBe('held');
    await rollcall.app.get(Sweeper).sweep();
    expect((await key.get(`/sync-runs/${id}`)).body).toMatchObject({ status: 'held' });
    await toBe('finished');
    await age(8);
    await rollcall.app.get(Sweeper).sweep();
    expect((await key.get(`/sync-runs/${id}`)).status).toBe(200);
    // As where the setting is seven days.
    const { database, app } = rollcall;
    const soon = new Sweeper(database, app.get(Clock), app.get(Leases));
    new SyncRunsModule(soon, { ...app.get<Config>(CONFIG), SYNC_RUN_DAYS: 7 }).onModuleInit();
    await soon.sweep();
    expect((await key.get(`/sync-runs/${id}`)).status).toBe(404);
    expect(await rollcall.database.read.countBy(RunFailureEntity, { runId: id })).toBe(0);
  });

  it('are followed as server-sent events on another instance: progress each second while it goes on, then the end', async () => {
    const stream = new SentStream(key);
    await stream.write(toLines(people(600)));
    await written(500);
    const [run] = await runs();
    const following = fetch(`${await other.getUrl()}/sync-runs/${run?.id}/events`, {
      headers: { authorization: `Bearer ${key.credential}` },
    });
    const answer = await following;
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    let text = '';
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    const events = () =>
      [...text.matchAll(/^event: (\w+)\ndata: (.*)\n\n/gm)].map(([, name, data]) => ({
        name,
        at: performance.now(),
        run: JSON.parse(data ?? '') as Run,
      }));
    const from = performance.now();
    for (;;) {
      const piece = await reader?.read();
      if (!piece || piece.done) break;
      text += piece.value;
      if (events().length >= 4 && events().every(({ name }) => name === 'progress')) void stream.end();
    }
    // Four tellings of a run that stands still, the first at once; a busy machine may hear one late and the next in time.
    expect(performance.now() - from).toBeGreaterThan(1500);
    expect(performance.now() - from).toBeLessThan(10_000);
    const told = events();
    expect(told.slice(0, 4).map(({ run: { status } }) => status)).toEqual(Array(4).fill('running'));
    expect(told.some(({ run: { upTo } }) => upTo === 500)).toBe(true);
    expect(told.at(-1)).toMatchObject({ name: 'end', run: { status: 'finished', upTo: 600 } });
  });

  it('that are over are told once, and the connection ends', async () => {
    const { body } = await sendStream(key, toLines(people(1)));
    const answer = await key.get<string>(`/sync-runs/${body.run}/events`);
    expect(String(answer.body).match(/^(id|event): \w+/gm)).toEqual(['id: finished', 'event: end']);
    // An EventSource that was not closed comes again with the id, for ever, unless it hears 204.
    const again = (id: string) => key.get(`/sync-runs/${body.run}/events`, { 'last-event-id': id });
    expect([(await again('finished')).status, (await again('held')).status]).toEqual([204, 200]);
  });
});
