import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { PullRuns } from '../../src/flows/sync/pull-runs.js';
import { DocumentSource } from '../../src/flows/sync/sources/document-source.js';
import { SourceClient } from '../../src/flows/sync/sources/source-client.js';
import { SourceReaders } from '../../src/flows/sync/sources/source-readers.js';
import { RunPartEntity } from '../../src/records/sync-runs/run.entity.js';
import { PullWorld, toPeople } from '../support/pull-world.js';
import { loopbackOutbound } from '../support/read-source.js';
import { sendJson, startSourceServer } from '../support/source-server.js';

const DAY_MS = 24 * 3_600_000;

describe('a pull whose source has no end', () => {
  let world: PullWorld;
  beforeAll(async () => {
    world = await PullWorld.build();
  }, 60_000);
  afterAll(() => world.stop());
  beforeEach(() => world.renew());
  afterEach(() => world.settle());

  it('is given up where that leads in a circle and hangs up on the way, and that is a failure', async () => {
    let asked = 0;
    const server = await startSourceServer((request, response) => {
      const page = Number(request.url?.split('=')[1] ?? '0');
      asked += 1;
      if (asked === 3) response.destroy();
      else sendJson(response, { users: [{ externalId: `p-${page}` }], next: `/people?page=${(page + 1) % 4}` });
    });
    const outbound = loopbackOutbound();
    const url = `${server.url}/people?page=0`;
    const settings = { type: 'json', url, items: '/users', next: '/next', nextParameter: null, fields: null } as const;
    const opened = [world.rollcall.app, world.other].map((app) => app.get(SourceReaders));
    const before = opened.map((readers) => readers.open);
    for (const readers of opened) {
      readers.open = () => new DocumentSource(new SourceClient(outbound, url, null), settings);
    }
    try {
      await world.seed();
      const run = await world.ended(await world.start({ full: true }));
      expect(run).toMatchObject({ status: 'broken', error: 'It leads to a page again that was read already.' });
      expect(asked).toBeLessThanOrEqual(6);
      expect((await world.stored()).failures).toBe(1);
    } finally {
      for (const [n, readers] of opened.entries()) readers.open = before[n] ?? readers.open;
      await outbound.onApplicationShutdown();
      await server.stop();
    }
  });

  it('is given up after a day, also by who has taken it over', async () => {
    const gate = Promise.withResolvers<void>();
    world.source.people = toPeople(1500);
    world.source.before = (from) => (from === 1000 ? gate.promise : undefined);
    await world.seed();
    const run = await world.start();
    await world.lookRound();
    await world.until(async () => (await world.identities()) === 1000);
    const parts = await world.rollcall.database.read.find(RunPartEntity, {
      where: { runId: run },
      order: { part: 'DESC' },
    });
    const last = parts[0];
    expect(last?.place).toMatchObject({ waitedMs: expect.any(Number) });
    await world.rollcall.database.transaction((tx) =>
      tx.update(RunPartEntity, { runId: run, part: last?.part ?? 0 }, {
        place: { ...(last?.place as object), waitedMs: DAY_MS + 1 },
      } as never),
    );
    await world.other.get(PullRuns).carryOut(run, new AbortController().signal);
    expect(await world.ended(run)).toMatchObject({
      status: 'broken',
      upTo: 1000,
      error: 'The source has not come to its end in 24 hours of waiting for it.',
    });
    expect((await world.stored()).failures).toBe(1);
    gate.resolve();
  });
});
