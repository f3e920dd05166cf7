import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { PullRuns } from '../../src/flows/sync/pull-runs.js';
import { DocumentSource } from '../../src/flows/sync/sources/document-source.js';
import { SourceClient } from '../../src/flows/sync/sources/source-client.js';
import type { Outbound } from '../../src/platform/outbound.js';
import type { DocumentSourceSettings } from '../../src/records/sources/source-settings.js';
import { RunPartEntity } from '../../src/records/sync-runs/run.entity.js';
import { PullWorld, toPeople } from '../support/pull-world.js';
import { loopbackOutbound } from '../support/read-source.js';
import type { ScriptedSource } from '../support/scripted-source.js';
import { sendJson, type SourceServer, startSourceServer } from '../support/source-server.js';

const DAY_MS = 24 * 3_600_000;

describe('a pull of what no source should answer', () => {
  let world: PullWorld;
  let server: SourceServer;
  let outbound: Outbound;
  let asked: number;
  beforeAll(async () => {
    world = await PullWorld.build();
  }, 60_000);
  afterAll(() => world.stop());
  beforeEach(async () => {
    [asked, outbound] = [0, loopbackOutbound()];
    server = await startSourceServer(() => {});
    await world.renew();
  });
  afterEach(async () => {
    await world.settle();
    await outbound.onApplicationShutdown();
    await server.stop();
  });

  /** Reads documents of a server, which answers by its path. */
  function readDocuments(
    more: Partial<DocumentSourceSettings>,
    answer: (page: string, response: ServerResponse) => void,
  ) {
    server.answer((request, response) => {
      asked += 1;
      answer(request.url ?? '', response);
    });
    const url = `${server.url}/0`;
    const settings = {
      type: 'json',
      url,
      items: '/users',
      next: '/next',
      nextParameter: null,
      fields: null,
      ...more,
    } as const;
    const source = new DocumentSource(new SourceClient(outbound, url, null), settings);
    world.source = source as unknown as ScriptedSource;
  }

  it('is given up where that leads in a circle and hangs up on the way, and that is a failure', async () => {
    readDocuments({}, (path, response) => {
      const page = Number(path.slice(1));
      if (asked === 3) response.destroy();
      else sendJson(response, { users: [{ externalId: `p-${page}` }], next: `/${(page + 1) % 4}` });
    });
    await world.seed();
    const run = await world.ended(await world.start({ full: true }));
    expect(run).toMatchObject({ status: 'broken', error: 'It leads to a page again that was read already.' });
    expect(asked).toBe(5);
    expect((await world.stored()).failures).toBe(1);
  });

  it('refuses what is nested too deep, or is too long by its mapping, by its number, and applies the others', async () => {
    const nested = '['.repeat(20_000) + ']'.repeat(20_000);
    const items = [
      '{"no":1,"dept":"A"}',
      `{"no":2,"dept":${nested}}`,
      `{"no":3,"dept":"${'x'.repeat(40_000)}"}`,
      '{"no":4,"dept":"B"}',
    ];
    const fields = { externalId: '/no', displayName: '/dept', 'attributes.department': '/dept' };
    readDocuments({ fields }, (_page, response) => response.end(`{"users":[${items.join(',')}]}`));
    await world.seed();
    const run = await world.ended(await world.start({ full: true }));
    expect(run).toMatchObject({ status: 'finished', counts: { created: 2, failed: 2 } });
    const { body } = await world.http.get<{ items: { record: number }[] }>(`/sync-runs/${run.id}/failures`);
    expect(body.items).toMatchObject([{ record: 2 }, { record: 3 }]);
  });

  it('is given up after a day, also by who has taken it over', async () => {
    const gate = Promise.withResolvers<void>();
    world.source.people = toPeople(1500);
    const littleLater = () => new Promise<void>((resolve) => setTimeout(resolve, 2));
    world.source.before = (from) => (from === 1000 ? gate.promise : littleLater());
    await world.seed();
    const run = await world.start();
    await world.lookRound();
    await world.until(async () => (await world.identities()) === 1000);
    const parts = await world.rollcall.database.read.find(RunPartEntity, {
      where: { runId: run },
      order: { part: 'DESC' },
    });
    const last = parts[0];
    expect((last?.place as { waitedMs: number } | undefined)?.waitedMs).toBeGreaterThan(0);
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
