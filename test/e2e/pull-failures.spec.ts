import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { PullRuns } from '../../src/flows/sync/pull-runs.js';
import { SourceFailure } from '../../src/flows/sync/sources/source-reader.js';
import { CONFIG, type Config } from '../../src/platform/config.js';
import { EventEntity } from '../../src/ledger/event.entity.js';
import { MINUTE, parseTime } from '../../src/platform/clock.js';
import { PullWorld, toPeople } from '../support/pull-world.js';

describe('a pull', () => {
  let world: PullWorld;
  beforeAll(async () => {
    world = await PullWorld.build();
  }, 60_000);
  afterAll(() => world.stop());
  beforeEach(() => world.renew());
  afterEach(() => world.settle());

  it('whose source stumbles in the middle goes on at that page', async () => {
    let stumbles = 2;
    world.source.before = (from) => {
      if (from === 200 && stumbles-- > 0) throw new SourceFailure('unreachable', 'It answered with status 502.');
    };
    await world.seed();
    expect(await world.ended(await world.start())).toMatchObject({
      status: 'finished',
      counts: { created: 250 },
      upTo: 250,
    });
    expect(world.source.readings.map(({ place }) => place.page)).toEqual([null, 200, 200]);
  });

  it('that fails is tried again after a minute, then two, and the source is suspended after five failures in a row', async () => {
    world.source.before = () => {
      throw new SourceFailure('unreachable', 'people.example.com answered with status 500.');
    };
    await world.seed({ cron: '0 3 1 1 *', nextAt: world.now() - 1 });
    for (let failures = 1; failures <= 4; failures++) {
      await world.lookRound();
      await world.until(async () => (await world.stored()).failures === failures);
      const { nextAt, suspendedAt } = await world.stored();
      const minutes = ((nextAt ?? 0) - world.now()) / MINUTE;
      expect([Math.round(minutes), suspendedAt]).toEqual([2 ** (failures - 1), null]);
      await world.set({ nextAt: world.now() - 1 });
    }
    await world.lookRound();
    await world.until(async () => (await world.stored()).failures === 5);
    const { suspendedAt, suspendedReason } = await world.stored();
    const reason = 'people.example.com answered with status 500. It failed 5 times in a row.';
    expect([suspendedAt !== null, suspendedReason]).toEqual([true, reason]);
    const events = await world.rollcall.database.read.findBy(EventEntity, {
      tenantId: world.tenantId,
      type: 'connection.source_suspended',
    });
    expect(events).toMatchObject([{ subjectId: world.connectionId, reason, runId: (await world.runs())[0]?.id }]);
    expect(await world.runs()).toMatchObject(Array.from({ length: 5 }, () => ({ status: 'broken' })));
  });

  it('suspends its source after as many failures in a row as SOURCE_FAILURES_MAX says', async () => {
    world.source.before = () => {
      throw new SourceFailure('unreachable', 'people.example.com answered with status 500.');
    };
    const config = world.rollcall.app.get<Config>(CONFIG);
    const impatient = [world.rollcall.app, world.other].map((app) => {
      const runs = app.get(PullRuns) as unknown as { config: Config };
      return jest.replaceProperty(runs, 'config', { ...config, SOURCE_FAILURES_MAX: 2 });
    });
    await world.seed({ failures: 1 });
    await world.ended(await world.start());
    await world.until(async () => (await world.stored()).failures === 2);
    for (const each of impatient) each.restore();
    expect((await world.stored()).suspendedReason).toMatch(/failed 2 times in a row/);
  });

  it.each([
    ['status 429', { status: 429 }, 7],
    ['status 503 and a Retry-After', { status: 503, retryAfterSeconds: 1800 }, 29],
  ])('whose source says by %s that it is busy is tried again, and that is no failure', async (_, answer, minutes) => {
    world.source.before = () => {
      throw new SourceFailure('unreachable', 'people.example.com is busy.', answer);
    };
    await world.seed({ failures: 4 });
    expect(await world.ended(await world.start({ full: false }))).toMatchObject({ status: 'broken' });
    const { nextAt, failures, suspendedAt } = await world.stored();
    expect([failures, suspendedAt]).toEqual([4, null]);
    expect(((nextAt ?? 0) - world.now()) / MINUTE).toBeGreaterThan(minutes);
  });

  it('that comes nowhere though nothing is wrong with the source ends as one that failed', async () => {
    world.source.before = (from) => {
      if (from === 100) throw Object.assign(new Error('of a row of others'), { code: 'ER_DUP_ENTRY' });
    };
    await world.seed();
    const run = await world.ended(await world.start());
    expect(run).toMatchObject({ status: 'broken', upTo: 100, counts: { created: 100 } });
    expect(await world.stored()).toMatchObject({ failures: 1, suspendedAt: null });
  }, 60_000);

  it('that works ends the counting of failures', async () => {
    await world.seed({ failures: 4 });
    await world.ended(await world.start());
    expect((await world.stored()).failures).toBe(0);
  });

  it('that the source refuses suspends it at once; nothing is read until it is resumed, which asks it first', async () => {
    world.source.before = () => {
      throw new SourceFailure('unauthorized', 'people.example.com answered with status 401.');
    };
    await world.seed({ cron: '0 * * * *', nextAt: world.now() - 1 });
    await world.lookRound();
    await world.until(async () => (await world.stored()).suspendedAt !== null);
    expect(await world.runs()).toMatchObject([
      { status: 'broken', error: 'people.example.com answered with status 401.' },
    ]);
    const asked = world.source.readings.length;
    await world.lookRound();
    const refused = await world.post('sync');
    expect([refused.status, refused.body.code]).toEqual([409, 'source_suspended']);
    expect([world.source.readings.length, (await world.runs()).length]).toEqual([asked, 1]);
    const early = await world.post('resume');
    expect([early.status, early.body.code]).toEqual([502, 'source_failed']);
    expect((await world.stored()).suspendedAt).not.toBeNull();

    world.source.before = () => undefined;
    const resumed = await world.post('resume');
    expect([resumed.status, parseTime(String(resumed.body.nextAt)) ?? world.now()]).toEqual([200, expect.any(Number)]);
    expect(await world.stored()).toMatchObject({ suspendedAt: null, suspendedReason: null, failures: 0 });
    await world.lookRound();
    await world.until(async () => (await world.runs())[0]?.status === 'finished');
    expect(await world.identities()).toBe(250);
    const events = await world.rollcall.database.read.findBy(EventEntity, {
      tenantId: world.tenantId,
      type: 'connection.source_resumed',
    });
    expect(events).toHaveLength(1);
  });

  it('that is a dry run and is refused suspends the source too, and nothing else comes of it', async () => {
    world.source.before = () => {
      throw new SourceFailure('unauthorized', 'people.example.com answered with status 403.');
    };
    await world.seed();
    const before = await world.stored();
    const { status, body } = await world.http.post<string>(`/connections/${world.connectionId}/sync`, { dryRun: true });
    const detail = 'people.example.com answered with status 403.';
    expect([status, JSON.parse(String(body))]).toEqual([200, { problem: { code: 'source_failed', detail } }]);
    const suspended = { suspendedAt: expect.any(Number), suspendedReason: `${detail} It failed once.`, failures: 1 };
    expect(await world.stored()).toEqual({ ...before, ...suspended });
    expect((await world.post('sync', { dryRun: true })).body.code).toBe('source_suspended');
    expect([world.source.readings.length, await world.runs()]).toEqual([1, []]);
    const { connectionId: subjectId, tenantId } = world;
    const events = await world.rollcall.database.read.findBy(EventEntity, { tenantId, subjectId });
    expect(events.filter(({ type }) => type === 'connection.source_suspended')).toMatchObject([{ runId: null }]);
  });

  it('is cancelled where its source is removed; one that is set in its place is not touched by it', async () => {
    const gate = Promise.withResolvers<void>();
    world.source.people = toPeople(1500);
    world.source.before = (from) => (from === 1000 ? gate.promise : undefined);
    await world.seed();
    const run = await world.start();
    await world.lookRound();
    await world.until(async () => (await world.identities()) === 1000);
    const path = `/connections/${world.connectionId}/source`;
    const admin = await world.rollcall.clientWith(world.tenantId, ['connections:read', 'connections:trust']);
    expect((await admin.delete(path, { 'if-match': '"1"' })).status).toBe(204);
    expect((await admin.put(path, { type: 'ndjson', url: 'https://others.example.com/' })).status).toBe(200);
    expect(await world.ended(run)).toMatchObject({ status: 'cancelled', upTo: 1000 });
    gate.resolve();
    expect(await world.identities()).toBe(1000);
    expect(await world.stored()).toMatchObject({ version: 2, state: null, failures: 0, lastRunId: null });
  });
});
