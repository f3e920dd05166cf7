import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ConnectionEntity } from '../../src/records/connections/connection.entity.js';
import { PullWorld } from '../support/pull-world.js';
import { ScriptedSource } from '../support/scripted-source.js';
import { seedFullConnection } from '../support/seed-customer.js';

const forEver = (): Promise<void> => new Promise(() => undefined);

describe('a source that takes its time', () => {
  let world: PullWorld;
  beforeAll(async () => {
    world = await PullWorld.build();
  }, 60_000);
  afterAll(() => world.stop());
  beforeEach(() => world.renew());
  afterEach(() => world.settle());

  it('holds two places of its tenant’s on an instance, and never those of other tenants', async () => {
    const runs: string[] = [];
    const { source, http, tenantId } = world;
    source.before = forEver;
    for (let n = 0; n < 10; n++) {
      if (n > 0) world.connectionId = await seedFullConnection(world.rollcall, tenantId);
      await world.seed();
      runs.push(await world.start({ full: false }));
    }
    await world.until(async () => {
      await world.lookRound();
      return source.readings.length === 4;
    });

    await world.renew();
    await world.seed();
    expect(await world.ended(await world.start({ full: false }))).toMatchObject({ status: 'finished' });
    expect(source.readings).toHaveLength(4);
    world.source = new ScriptedSource();
    for (const run of runs) await http.post(`/sync-runs/${run}/cancel`);
  });

  it('holds two dry runs of its tenant’s, and never those of other tenants', async () => {
    const gate = Promise.withResolvers<void>();
    const { source } = world;
    source.before = () => gate.promise;
    await world.seed();
    const open = [1, 2].map(() => world.post('sync', { dryRun: true }));
    await world.until(() => Promise.resolve(source.readings.length === 2));
    const third = await world.post('sync', { dryRun: true });
    expect([third.status, third.body.code]).toEqual([503, 'overloaded']);

    await world.renew();
    await world.seed();
    expect((await world.post('sync', { dryRun: true })).status).toBe(200);
    gate.resolve();
    expect((await Promise.all(open)).map(({ status }) => status)).toEqual([200, 200]);
  });

  it.each<[string, string, () => Promise<unknown>]>([
    ['its settings are saved', 'The source was changed meanwhile.', () => world.set({ version: 2 })],
    [
      'its connection is disabled',
      'The connection was closed meanwhile.',
      () =>
        world.rollcall.database.transaction((tx) =>
          tx.update(ConnectionEntity, { id: world.connectionId }, { status: 'disabled', version: 2 }),
        ),
    ],
  ])('is left within seconds when %s, though nothing comes of it', async (_, error, change) => {
    world.source.before = forEver;
    await world.seed();
    const run = await world.start({ full: false });
    await world.lookRound();
    await world.until(async () => world.source.readings.length === 1);
    await change();
    expect(await world.ended(run)).toMatchObject({ status: 'broken', error });
    expect(await world.stored()).toMatchObject({ failures: 0, suspendedAt: null });
  });
});
