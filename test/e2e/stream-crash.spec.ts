import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { numberEvents } from '../../src/ledger/number-events.js';
import { verifyLedger } from '../../src/ledger/verify-ledger.js';
import { countOrphans, directoryOf } from '../support/directory-of.js';
import { ProcessWorld } from '../support/process-world.js';
import { SentStream, toLines } from '../support/send-stream.js';

/** `STREAM_KILLS=50` for the long way. */
const KILLS = Number(process.env.STREAM_KILLS ?? 4);
/** Three chunks may be written before the kill comes: the last one shall not come after the end. */
const PEOPLE = Math.max(8000, KILLS * 500);

describe('a stream whose service is killed with -9', () => {
  let world: ProcessWorld;
  beforeAll(async () => {
    world = await ProcessWorld.build();
  }, 60_000);
  afterAll(() => world.stop(), 60_000);

  const people = Array.from({ length: PEOPLE }, (_, n) => ({
    externalId: `c-${n}`,
    userName: `c-${n}@x.example`,
    groups: [n % 2 === 0 ? 'engineering' : 'sales'],
    roles: ['viewer'],
  }));
  const lines = toLines(people);
  const expected = people.map(
    ({ externalId, userName }, n) =>
      `${externalId} ${userName} 1 ${n % 2 === 0 ? 'editor eng, viewer direct' : 'viewer direct'}`,
  );

  it(`at ${KILLS} random points: sent again under its key the directory equals it, nobody is there twice, none is lost`, async () => {
    const headers = { 'idempotency-key': 'all-of-them' };
    const query = `?connection=${world.connection}`;
    let at = 0;
    for (let kill = 1; kill <= KILLS; kill++) {
      const { service, http } = await world.start();
      const stream = new SentStream(http, query, headers);
      void stream.end(lines);
      const before = await world.count('identities');
      // Some while it only passes over what is there, most while it writes.
      at = Math.min(before + Math.floor(Math.random() * (PEOPLE / KILLS)), PEOPLE - 1000);
      await world.untilCount(at, 'identities');
      service.kill('SIGKILL');
      expect([await service.ended, await stream.answer.catch(() => 'cut off')]).toEqual([null, 'cut off']);
      const [run] = await world.rows('SELECT id, upTo FROM runs');
      expect(Number(run?.upTo)).toBeLessThanOrEqual(await world.count('identities'));
      await world.expireHolds();
    }
    expect(await world.count('identities')).toBeLessThan(PEOPLE);
    const { service, http } = await world.start();
    const answer = await new SentStream(http, query, headers).end(lines);
    expect([answer.status, answer.body.counts, answer.body.upTo]).toEqual([
      200,
      { created: PEOPLE, updated: 0, unchanged: 0, deactivated: 0, stale: 0, held: 0, failed: 0 },
      PEOPLE,
    ]);
    expect(await world.count('runs')).toBe(1);
    expect(await world.count('run_parts')).toBe(0);
    service.kill('SIGTERM');
    expect(await service.ended).toBe(0);
    expect(await directoryOf(world.database.read, world.connection)).toEqual(expected.sort());
    expect(await world.count('users WHERE tenantId = ?', world.tenantId)).toBe(PEOPLE);
    expect(await world.count("events WHERE tenantId = ? AND type = 'user.created'", world.tenantId)).toBe(PEOPLE);
    expect(await countOrphans(world.database.read)).toBe(0);
    for (;;) {
      const { events, skipped } = await numberEvents(world.database, 2000);
      if (events === 0 && !skipped) break;
    }
    expect((await verifyLedger(world.database)).faults).toEqual([]);
  }, 600_000);

  it('told to end instead, commits what it has read, says how far it came, and ends', async () => {
    const { service, http } = await world.start();
    const stream = new SentStream(http, `?connection=${world.connection}`);
    const others = people.slice(0, 1100).map((each) => ({ externalId: `late-${each.externalId}` }));
    await stream.write(toLines(others));
    await world.untilCount(PEOPLE + 1000, 'identities');
    service.kill('SIGTERM');
    const { status, body } = await stream.answer;
    expect([status, body.code, body.upTo]).toEqual([503, 'overloaded', 1000]);
    expect(await service.ended).toBe(0);
    const [run] = await world.rows('SELECT status, upTo FROM runs WHERE id = ?', body.run);
    expect(run).toEqual({ status: 'broken', upTo: 1000 });
    expect(await world.count('identities')).toBe(PEOPLE + 1000);
  }, 60_000);
});
