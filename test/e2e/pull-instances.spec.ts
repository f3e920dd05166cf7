import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { AppModule } from '../../src/app.module.js';
import { PullRuns } from '../../src/flows/sync/pull-runs.js';
import { PullWorker } from '../../src/flows/sync/pull-worker.js';
import { SourceReaders } from '../../src/flows/sync/sources/source-readers.js';
import { StreamRun } from '../../src/flows/sync/stream-run.js';
import { Clock, DAY } from '../../src/platform/clock.js';
import { CONFIG, type Config } from '../../src/platform/config.js';
import { createHttpApp } from '../../src/platform/http-app.js';
import { newId } from '../../src/platform/ids.js';
import { LeaseEntity } from '../../src/platform/lease.entity.js';
import { ConnectionSourceEntity } from '../../src/records/sources/source.entity.js';
import { RunEntity } from '../../src/records/sync-runs/run.entity.js';
import { IdentityEntity } from '../../src/records/users/identity.entity.js';
import type { HttpClient } from '../support/http-client.js';
import { ScriptedSource, seedSource } from '../support/scripted-source.js';
import { seedCustomer, seedFullConnection } from '../support/seed-customer.js';
import { startApp, type TestApp } from '../support/start-app.js';

const PEOPLE = 2300;

describe('a pull and several instances', () => {
  let rollcall: TestApp;
  const others: NestFastifyApplication[] = [];
  let source: ScriptedSource;
  let connectionId: string;
  let http: HttpClient;
  /** Lets the source go on that stands still before the page of number 1,000. */
  let goOn: () => void;

  beforeAll(async () => {
    rollcall = await startApp();
    await end(rollcall.app);
  }, 60_000);
  afterAll(async () => {
    for (const app of others) await end(app);
    for (const app of others) await app.close();
    await rollcall.stop();
  });
  beforeEach(async () => {
    source = new ScriptedSource();
    source.people = Array.from({ length: PEOPLE }, (_, n) => ({ externalId: `p-${n}` }));
    const gate = Promise.withResolvers<void>();
    goOn = gate.resolve;
    source.before = (from) => (from === 1000 ? gate.promise : undefined);
    const tenantId = await seedCustomer(rollcall);
    connectionId = await seedFullConnection(rollcall, tenantId);
    await seedSource(rollcall, { tenantId, connectionId });
    http = await rollcall.clientWith(tenantId, ['users:sync', 'sync-runs:read']);
  });

  async function until(holds: () => Promise<boolean>): Promise<void> {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const identities = () => rollcall.database.read.countBy(IdentityEntity, { connectionId });
  const get = async (run: string) => (await http.get(`/sync-runs/${run}`)).body;
  async function startOther(): Promise<NestFastifyApplication> {
    const config = rollcall.app.get<Config>(CONFIG);
    const app = await createHttpApp(AppModule.with(config, rollcall.database), config);
    await app.listen(0, '127.0.0.1');
    app.get(SourceReaders).open = () => source;
    others.push(app);
    return app;
  }
  /** Its part in pulls ends as it does on SIGTERM. */
  const end = (app: NestFastifyApplication) => app.get(PullWorker).beforeApplicationShutdown();
  /** The instance begins it, and stands still behind the first thousand. */
  async function begin(app: NestFastifyApplication): Promise<string> {
    const { body } = await http.post<{ run: string }>(`/connections/${connectionId}/sync`);
    await app.get(PullWorker).lookRound();
    await until(async () => (await identities()) === 1000);
    return body.run;
  }

  it('is left by one that is told to end, and carried on by the next from behind the last page', async () => {
    const other = await startOther();
    const run = await begin(other);
    await end(other);
    expect(await get(run)).toMatchObject({ status: 'running', phase: 'receiving', upTo: 1000 });
    goOn();
    const next = await startOther();
    await until(async () => (await get(run)).status !== 'running');
    expect(await get(run)).toMatchObject({ status: 'finished', upTo: PEOPLE, counts: { created: PEOPLE } });
    expect(source.readings.map(({ place }) => place.page)).toEqual([null, 1000]);
    expect(await identities()).toBe(PEOPLE);
    await end(next);
  }, 60_000);

  it('is carried on where the instance that began it died while its clock ran ahead', async () => {
    const dead = await startOther();
    await end(dead);
    [source.people, source.before] = [source.people.slice(0, 300), () => undefined];
    const { body } = await http.post<{ run: string }>(`/connections/${connectionId}/sync`);
    const then = dead.get(Clock).now() + 30 * DAY;
    await rollcall.database.transaction(async (tx) => {
      await tx.update(RunEntity, { id: body.run }, { phase: 'receiving', aliveAt: then });
      await tx.insert(LeaseEntity, { name: `pull:${connectionId}`, holder: newId(), until: then });
    });
    const next = await startOther();
    await until(async () => (await get(body.run)).status === 'finished');
    await end(next);
  }, 60_000);

  it('is read to its end by the next where the first one was told to end before the last page was committed', async () => {
    const app = await startOther();
    await end(app);
    [source.people, source.pageSize] = [source.people.slice(0, 800), 400];
    const { body } = await http.post<{ run: string }>(`/connections/${connectionId}/sync`, { full: true });
    const leave = new AbortController();
    const take = StreamRun.prototype.take;
    const spy = jest.spyOn(StreamRun.prototype, 'take').mockImplementationOnce(async function (this: StreamRun, chunk) {
      await take.call(this, chunk);
      leave.abort();
    });
    await app.get(PullRuns).carryOut(body.run, leave.signal);
    spy.mockRestore();
    expect(await get(body.run)).toMatchObject({ status: 'running', upTo: 400 });
    await app.get(PullRuns).carryOut(body.run, new AbortController().signal);
    expect(await get(body.run)).toMatchObject({ status: 'finished', upTo: 800, counts: { created: 800 } });
    const stored = await rollcall.database.read.findOneByOrFail(ConnectionSourceEntity, { connectionId });
    expect(stored.state).toBe('reading 2');
  }, 60_000);

  it('is not written any more by one that was thought dead and comes back', async () => {
    const [first, second] = [await startOther(), await startOther()];
    const run = await begin(first);
    const carried = second.get(PullRuns).carryOut(run, new AbortController().signal);
    await until(async () => source.readings.length === 2);
    goOn();
    await carried;
    await until(async () => (await get(run)).status !== 'running');
    expect(await get(run)).toMatchObject({ status: 'finished', upTo: PEOPLE, counts: { created: PEOPLE } });
    await Promise.all([end(first), end(second)]);
    const stored = await rollcall.database.read.findOneByOrFail(ConnectionSourceEntity, { connectionId });
    expect([stored.failures, stored.suspendedAt]).toEqual([0, null]);
    expect(await get(run)).toMatchObject({ status: 'finished' });
  }, 60_000);
});
