import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { countOrphans } from '../support/directory-of.js';
import { ProcessWorld } from '../support/process-world.js';
import { sendStream, SentStream, toLines } from '../support/send-stream.js';

const PEOPLE = 2500;
const MISSING = 700;
/** `SNAPSHOT_KILLS=50` for the long way. */
const KILLS = Number(process.env.SNAPSHOT_KILLS ?? 3);

describe('a snapshot whose service is killed with -9', () => {
  let world: ProcessWorld;
  beforeAll(async () => {
    world = await ProcessWorld.build();
  }, 60_000);
  afterAll(() => world.stop(), 60_000);

  const person = (n: number, more: object = {}) => ({ externalId: `k-${n}`, userName: `k-${n}@x.example`, ...more });
  const before = Array.from({ length: PEOPLE }, (_, n) => person(n));
  // Some are gone, some as they were (those leave no trace but their name), some changed, some new.
  const after = Array.from({ length: PEOPLE }, (_, n) => n + MISSING).map((n) =>
    n % 3 === 0 ? person(n, { displayName: 'Changed' }) : person(n),
  );
  const query = () => `?connection=${world.connection}&mode=snapshot`;
  const inactive = () => world.count('identities WHERE active = 0');
  const isOver = async () => (await world.count(`runs WHERE mode = 'snapshot' AND status = 'finished'`)) > 1;

  it(`at ${KILLS} random points and while it takes away: sent again under its key, the directory equals it`, async () => {
    let { service, http } = await world.start();
    expect((await sendStream(http, toLines(before), query())).body.counts).toMatchObject({ created: PEOPLE });
    const headers = { 'idempotency-key': 'the-whole-truth' };
    const moments = [
      ...Array.from({ length: KILLS }, () => () => new Promise((resolve) => setTimeout(resolve, Math.random() * 900))),
      () => world.untilCount(1, 'run_entries'),
      () => world.untilCount(1, 'identities WHERE active = 0'),
    ];
    for (const moment of moments) {
      const stream = new SentStream(http, query(), headers);
      void stream.end(toLines(after));
      await Promise.race([moment(), stream.answer]);
      service.kill('SIGKILL');
      await service.ended;
      // What was taken away was taken from those whom it does not name.
      const gone = `identities WHERE active = 0 AND externalId IN (${before
        .slice(0, MISSING)
        .map(() => '?')
        .join()})`;
      const names = before.slice(0, MISSING).map(({ externalId }) => externalId);
      expect(await world.count(gone, ...names)).toBe(await inactive());
      await world.expireHolds();
      ({ service, http } = await world.start());
    }
    const { status } = await new SentStream(http, query(), headers).end(toLines(after));
    expect(status).toBe(200);
    while (!(await isOver())) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await inactive()).toBe(MISSING);
    expect(await world.count('identities')).toBe(PEOPLE + MISSING);
    expect(await world.count('identities WHERE active = 1')).toBe(after.length);
    const named = await world.count(`identities i JOIN users u ON u.id = i.userId WHERE u.displayName = 'Changed'`);
    expect(named).toBe(after.filter((each) => 'displayName' in each).length);
    expect(await world.count('runs')).toBe(2);
    expect(await world.count(`events WHERE type = 'user.deactivated'`)).toBe(MISSING);
    expect(await world.count(`run_entries WHERE state <> 'applied'`)).toBe(0);
    expect(await countOrphans(world.database.read)).toBe(0);
    service.kill('SIGTERM');
    expect(await service.ended).toBe(0);
  }, 300_000);
});
