import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { CHUNK_ITEMS_MAX } from '../../src/provisioning/provisioning.service.js';
import { RunEntity } from '../../src/records/sync-runs/run.entity.js';
import { SentStream, sendStream, toLines } from '../support/send-stream.js';
import type { HttpClient } from '../support/http-client.js';
import { seedCustomer, seedFullConnection } from '../support/seed-customer.js';
import { startApp, type TestApp } from '../support/start-app.js';

/** Of a tenant, on an instance. */
const PLACES = 4;
const LINES = toLines(Array.from({ length: 3 }, (_, n) => ({ externalId: `s-${n}`, roles: ['viewer'] })));

describe('streams of one tenant', () => {
  let rollcall: TestApp;
  let tenantId: string;
  let mine: HttpClient;
  let theirs: HttpClient;
  beforeAll(async () => {
    rollcall = await startApp();
  });
  afterAll(() => rollcall.stop());
  beforeEach(async () => {
    tenantId = await seedCustomer(rollcall);
    mine = await rollcall.clientWith(tenantId, ['users:sync'], await seedFullConnection(rollcall, tenantId));
    const other = await seedCustomer(rollcall);
    theirs = await rollcall.clientWith(other, ['users:sync'], await seedFullConnection(rollcall, other));
  });

  async function begin(count: number, query = ''): Promise<SentStream[]> {
    const streams = Array.from({ length: count }, () => new SentStream(mine, query));
    for (const each of streams) await each.write(LINES);
    return streams;
  }
  async function untilRunning(count: number): Promise<void> {
    const where = { tenantId, status: 'running' } as const;
    while ((await rollcall.database.read.countBy(RunEntity, where)) < count)
      await new Promise((resolve) => setTimeout(resolve, 20));
  }

  it(`take ${PLACES} places at most: another one is told to come again, those of other tenants begin`, async () => {
    const streams = await begin(PLACES);
    await untilRunning(PLACES);
    for (const query of ['', '?dryRun=true']) {
      const refused = await sendStream(mine, LINES, query);
      expect([refused.status, refused.body.code]).toEqual([503, 'overloaded']);
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    }
    expect((await sendStream(theirs, LINES)).body.counts).toMatchObject({ created: 3 });
    expect((await streams[0]?.end())?.status).toBe(200);
    expect((await sendStream(mine, LINES)).status).toBe(200);
    streams[1]?.cut();
    await Promise.all(streams.slice(2).map((each) => each.end()));
    const headers = { prefer: 'respond-async' };
    const answers: number[] = [];
    for (let n = 0; n < 2 * PLACES; n++) answers.push((await sendStream(mine, LINES, '', headers)).status);
    while ((await sendStream(mine, LINES)).status !== 200) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(answers).toContain(202);
  });

  it('take places as dry runs too', async () => {
    const streams = await begin(PLACES, '?dryRun=true');
    for (const each of streams) {
      await each.write(LINES.repeat(CHUNK_ITEMS_MAX));
      await each.answering;
    }
    expect((await sendStream(mine, LINES)).status).toBe(503);
    expect((await sendStream(theirs, LINES)).status).toBe(200);
    const ends = await Promise.all(streams.map((each) => each.end()));
    expect(ends.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    while ((await sendStream(mine, LINES)).status !== 200) await new Promise((resolve) => setTimeout(resolve, 20));
  });
});
