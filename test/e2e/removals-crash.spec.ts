import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ProcessWorld } from '../support/process-world.js';
import { people } from '../support/removals-world.js';
import { sendStream, SentStream, toLines } from '../support/send-stream.js';

const PEOPLE = 6000;
/** `REMOVAL_KILLS=20` for the long way. */
const KILLS = Number(process.env.REMOVAL_KILLS ?? 3);

describe('a service that is killed with -9 while it takes away', () => {
  let world: ProcessWorld;
  beforeAll(async () => {
    world = await ProcessWorld.build();
  }, 60_000);
  afterAll(() => world.stop(), 60_000);

  const query = () => `?connection=${world.connection}`;
  const active = () => world.count('identities WHERE connectionId = ? AND active = 1', world.connection);

  async function untilEnded(): Promise<void> {
    await world.untilCount(1, `runs WHERE kind = 'import' AND status = 'finished'`);
  }

  it(`${KILLS} times: nobody is forgotten, nobody is switched off twice, and sent again under its key it has its answer`, async () => {
    const first = await world.start();
    expect((await sendStream(first.http, toLines(people(PEOPLE)), query())).status).toBe(200);
    const headers = { 'idempotency-key': 'leavers' };
    const leavers = toLines(people(PEOPLE - 1, { active: false }));
    const stream = new SentStream(first.http, `${query()}&kind=import`, headers);
    void stream.end(leavers);
    let { service } = first;
    let at = 0;
    for (let kill = 1; kill <= KILLS; kill++) {
      at += 1 + Math.floor(Math.random() * (PEOPLE / KILLS / 2));
      await world.untilCount(at, `run_entries WHERE state = 'applied'`);
      service.kill('SIGKILL');
      await service.ended;
      // What is struck is what is done.
      expect(PEOPLE - (await active())).toBe(await world.count(`run_entries WHERE state = 'applied'`));
      await world.expireHolds();
      ({ service } = await world.start());
    }
    expect(await stream.answer.catch(() => 'cut off')).toBe('cut off');
    await untilEnded();
    expect(await active()).toBe(1);
    const told = `events WHERE tenantId = ? AND type = 'user.deactivated'`;
    expect(await world.count(told, world.tenantId)).toBe(PEOPLE - 1);
    expect(await world.count(`run_entries WHERE state <> 'applied'`)).toBe(0);

    service.kill('SIGTERM');
    await service.ended;
    const last = await world.start();
    const again = await sendStream(last.http, leavers, `${query()}&kind=import`, headers);
    expect([again.status, again.body.status, again.body.counts]).toEqual([
      200,
      'finished',
      expect.objectContaining({ deactivated: PEOPLE - 1, held: 0, unchanged: 0 }),
    ]);
    expect(await world.count('runs')).toBe(2);
  }, 300_000);
});
