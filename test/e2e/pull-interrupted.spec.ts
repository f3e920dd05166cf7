import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MINUTE } from '../../src/platform/clock.js';
import { Problem } from '../../src/platform/problem.js';
import type { HttpClient } from '../support/http-client.js';
import { PullWorld, toPeople } from '../support/pull-world.js';

const SOURCE = { type: 'json', url: 'https://people.example.com/all' };
const schedule = { fullCron: '0 3 1 1 *' };

describe('a reading of everybody that is interrupted', () => {
  let world: PullWorld;
  let admin: HttpClient;
  let gate: PromiseWithResolvers<void>;
  beforeAll(async () => {
    world = await PullWorld.build();
  }, 60_000);
  afterAll(() => world.stop());
  beforeEach(async () => {
    await world.renew();
    gate = Promise.withResolvers<void>();
    world.source.people = toPeople(1500);
    world.source.before = (from) => (from === 1000 ? gate.promise : undefined);
    await world.seed();
    admin = await world.rollcall.clientWith(world.tenantId, ['connections:read', 'connections:trust']);
  });
  afterEach(() => world.settle());

  const begin = async () => {
    const run = await world.start({ full: true });
    await world.lookRound();
    await world.until(async () => (await world.identities()) === 1000);
    return run;
  };
  const save = async (body: object) => {
    const { status } = await admin.put(`/connections/${world.connectionId}/source`, body, { 'if-match': '"1"' });
    expect(status).toBe(200);
  };
  const untilReadAgain = () =>
    world.until(async () => {
      await world.lookRound();
      const [last, first] = await world.runs();
      return first?.status === 'broken' && last?.status === 'finished';
    });

  it('by nothing but a save that changes nothing goes on', async () => {
    const run = await begin();
    await save({ ...SOURCE, schedule });
    gate.resolve();
    expect(await world.ended(run)).toMatchObject({ status: 'finished', counts: { created: 1500 } });
    expect([world.source.readings.length, (await world.stored()).version]).toEqual([1, 1]);
  });

  it('by a save ends there, does not count against the source, and is begun again without being asked for', async () => {
    const run = await begin();
    await save({ ...SOURCE, schedule: { ...schedule, jitterSeconds: 5 } });
    // Though nothing more comes from the source.
    expect(await world.ended(run)).toMatchObject({ status: 'broken', error: 'The source was changed meanwhile.' });
    gate.resolve();
    await untilReadAgain();
    expect(await world.runs()).toMatchObject([{ cause: 'schedule', mode: 'snapshot', upTo: 1500 }, { id: run }]);
    expect(world.source.readings.map(({ mode }) => mode)).toEqual(['full', 'full']);
    const { failures, state, nextFullAt } = await world.stored();
    expect([failures, state, (nextFullAt ?? 0) > world.now()]).toEqual([0, 'reading 2', true]);
  });

  it('by the connection being closed for a while is begun again a minute later, and does not count', async () => {
    const setStatus = (status: string) =>
      world.rollcall.database.transaction((tx) =>
        tx.query('UPDATE connections SET status = ?, version = version + 1 WHERE id = ?', [status, world.connectionId]),
      );
    const run = await begin();
    await setStatus('disabled');
    expect(await world.ended(run)).toMatchObject({ status: 'broken', error: 'The connection was closed meanwhile.' });
    const { failures, nextFullAt } = await world.stored();
    expect([failures, Math.round(((nextFullAt ?? 0) - world.now()) / MINUTE)]).toEqual([0, 1]);
    await world.set({ nextFullAt: world.now() - 1 });
    await world.lookRound();
    expect(await world.runs()).toHaveLength(1);
    await setStatus('active');
    gate.resolve();
    await untilReadAgain();
    expect(await world.runs()).toMatchObject([{ mode: 'snapshot', upTo: 1500 }, { id: run }]);
  });

  it('by what is no fault of the source is begun again a minute later, and does not count', async () => {
    world.source.before = () => {
      throw new Problem('conflict');
    };
    expect(await world.ended(await world.start({ full: true }))).toMatchObject({ status: 'broken' });
    const { failures, nextAt, nextFullAt } = await world.stored();
    expect([failures, nextAt, Math.round(((nextFullAt ?? 0) - world.now()) / MINUTE)]).toEqual([0, null, 1]);
  });
});
