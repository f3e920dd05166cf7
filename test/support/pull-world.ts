import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { expect } from '@jest/globals';
import { AppModule } from '../../src/app.module.js';
import { PullWorker } from '../../src/flows/sync/pull-worker.js';
import { SourceReaders } from '../../src/flows/sync/sources/source-readers.js';
import { Clock, type Micros } from '../../src/platform/clock.js';
import { DEFAULT_CATCH } from '../../src/plan/safety-catch.js';
import { CONFIG, type Config } from '../../src/platform/config.js';
import { createHttpApp } from '../../src/platform/http-app.js';
import { ConnectionSourceEntity } from '../../src/records/sources/source.entity.js';
import { RunEntity } from '../../src/records/sync-runs/run.entity.js';
import { IdentityEntity } from '../../src/records/users/identity.entity.js';
import type { HttpClient } from './http-client.js';
import { ScriptedSource, seedSource } from './scripted-source.js';
import { seedCustomer, seedFullConnection } from './seed-customer.js';
import { startApp, type TestApp } from './start-app.js';

export interface PulledRun extends Record<string, unknown> {
  id: string;
  status: string;
  counts: Record<string, number>;
}

export const PULL_PERMISSIONS = ['users:sync', 'sync-runs:read', 'connections:write'];

export const toPeople = (count: number, more: object = {}) =>
  Array.from({ length: count }, (_, n) => ({ externalId: `p-${n}`, roles: ['viewer'], ...more }));

/** Two instances on one database, and a customer with a source that does as it is told. */
export class PullWorld {
  source: ScriptedSource;
  tenantId: string;
  connectionId: string;
  http: HttpClient;

  private constructor(
    readonly rollcall: TestApp,
    readonly other: NestFastifyApplication,
  ) {}

  static async build(): Promise<PullWorld> {
    const rollcall = await startApp();
    const config = rollcall.app.get<Config>(CONFIG);
    const other = await createHttpApp(AppModule.with(config, rollcall.database), config);
    await other.listen(0, '127.0.0.1');
    const world = new PullWorld(rollcall, other);
    for (const app of [rollcall.app, other]) app.get(SourceReaders).open = () => world.source;
    return world;
  }

  /** A customer of its own for a test, with a connection, and no source yet. */
  async renew(): Promise<void> {
    this.source = new ScriptedSource();
    this.source.people = toPeople(250);
    this.tenantId = await seedCustomer(this.rollcall);
    this.connectionId = await seedFullConnection(this.rollcall, this.tenantId, { safetyCatch: DEFAULT_CATCH });
    this.http = await this.rollcall.clientWith(this.tenantId, PULL_PERMISSIONS);
  }

  /** Nothing of one test falls due in another. */
  async settle(): Promise<void> {
    await this.set({ nextAt: null, nextFullAt: null });
    const running = { kind: 'pull', status: 'running' } as const;
    await this.until(async () => (await this.rollcall.database.read.countBy(RunEntity, running)) === 0);
  }

  async stop(): Promise<void> {
    await this.other.close();
    await this.rollcall.stop();
  }

  now(): Micros {
    return this.rollcall.app.get(Clock).now();
  }

  seed(over: Partial<ConnectionSourceEntity> = {}): Promise<void> {
    return seedSource(this.rollcall, this, over);
  }

  async set(over: Partial<ConnectionSourceEntity>): Promise<void> {
    const { connectionId } = this;
    await this.rollcall.database.transaction((tx) =>
      tx.update(ConnectionSourceEntity, { connectionId }, over as never),
    );
  }

  stored(): Promise<ConnectionSourceEntity> {
    const { connectionId } = this;
    return this.rollcall.database.read.findOneByOrFail(ConnectionSourceEntity, { connectionId });
  }

  identities(): Promise<number> {
    return this.rollcall.database.read.countBy(IdentityEntity, { connectionId: this.connectionId });
  }

  async runs(): Promise<PulledRun[]> {
    const { body } = await this.http.get<{ items: PulledRun[] }>(`/sync-runs?connection=${this.connectionId}`);
    return body.items;
  }

  post(action: 'sync' | 'resume', body?: object) {
    return this.http.post(`/connections/${this.connectionId}/${action}`, body);
  }

  /** What both instances do each second. */
  async lookRound(): Promise<void> {
    await Promise.all([this.rollcall.app, this.other].map((app) => app.get(PullWorker).lookRound()));
  }

  async start(body?: object): Promise<string> {
    const answer = await this.post('sync', body);
    expect([answer.status, answer.headers.get('location')]).toEqual([202, `/sync-runs/${String(answer.body.run)}`]);
    return String(answer.body.run);
  }

  async ended(run: string): Promise<PulledRun> {
    await this.lookRound();
    for (;;) {
      const { body } = await this.http.get<PulledRun>(`/sync-runs/${run}`);
      if (body.status !== 'running') return body;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async until(holds: () => Promise<boolean>): Promise<void> {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
