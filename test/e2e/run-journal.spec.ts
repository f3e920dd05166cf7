import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Clock } from '../../src/platform/clock.js';
import { newId } from '../../src/platform/ids.js';
import { RemovalsService } from '../../src/provisioning/removals.service.js';
import { RunEntity, RunEntryEntity } from '../../src/records/sync-runs/run.entity.js';
import { addEntries } from '../../src/records/sync-runs/run-entries.js';
import { RunJournal } from '../../src/records/sync-runs/run-journal.js';
import { newRun } from '../../src/records/sync-runs/run-rows.js';
import { people, RemovalsWorld } from '../support/removals-world.js';
import { sendStream, toLines } from '../support/send-stream.js';
import { startApp, type TestApp } from '../support/start-app.js';

let rollcall: TestApp;
let world: RemovalsWorld;
beforeAll(async () => {
  rollcall = await startApp();
});
afterAll(() => rollcall.stop());
beforeEach(async () => {
  world = await RemovalsWorld.build(rollcall);
});

/** Opens the journal of a snapshot; with the id of one that is there, as a later try of it. */
function open(id: string): Promise<RunJournal> {
  const clock = rollcall.app.get(Clock);
  const { tenantId, connectionId } = world;
  const by = { actorType: 'api-key', actorId: 'k', mappingVersion: 1, kind: 'push', cause: 'request' } as const;
  const run = {
    ...newRun({ id, tenantId, connectionId, mode: 'snapshot', ...by }, clock.now()),
    phase: 'writing' as const,
  };
  const progress = () => ({ phase: 'writing' as const, counts: {}, upTo: 0, digest: null });
  return RunJournal.open(rollcall.database, clock, { run, progress });
}

const decide = (id: string) => rollcall.app.get(RemovalsService).decide(id, { holdsBecause: 'It names nobody.' });
const stored = (id: string) => rollcall.database.read.findOneByOrFail(RunEntity, { id });

describe('a run that is held', () => {
  it.each(['broken', 'cancelled'] as const)(
    'is not %s by whoever began it and has not heard of that, and an admin can still answer',
    async (status) => {
      const id = newId();
      const journal = await open(id);
      expect(await decide(id)).toBe('held');
      await journal.close();
      const ending = rollcall.database.transaction((tx) => journal.end(tx, status, 'The connection was lost.'));
      await expect(ending).rejects.toMatchObject({ code: 'conflict' });
      expect(await stored(id)).toMatchObject({ status: 'held', phase: 'ended', error: 'It names nobody.' });
      expect((await world.decide(id, 'approve')).status).toBe(200);
      expect(await world.ended(id)).toMatchObject({ status: 'finished' });
    },
  );

  it('is not put out of date by one that was begun before it, and went on after it', async () => {
    const earlier = newId();
    await (await open(earlier)).close();
    const id = newId();
    await (await open(id)).close();
    await decide(id);
    expect(await rollcall.app.get(RemovalsService).decide(earlier, { supersedes: true })).toBe('nothing');
    expect(await stored(id)).toMatchObject({ status: 'held' });
  });

  it('is not begun again by a later try of its request', async () => {
    const id = newId();
    await (await open(id)).close();
    await decide(id);
    await expect(open(id)).rejects.toMatchObject({ code: 'conflict' });
    expect(await stored(id)).toMatchObject({ status: 'held', phase: 'ended', heldUntil: expect.any(Number) });
    await rollcall.database.transaction((tx) => tx.update(RunEntity, { id }, { status: 'running', phase: 'removing' }));
    await expect(open(id)).rejects.toMatchObject({ code: 'conflict' });
    expect(await world.ended(id)).toMatchObject({ status: 'finished' });
  });
});

describe('a run that another try of its request has taken over', () => {
  it('is decided on, and ended, by that alone', async () => {
    const id = newId();
    const first = await open(id);
    await first.close();
    const second = await open(id);
    await second.close();
    const deciding = rollcall.app.get(RemovalsService).decide(id, { holder: first.holder });
    await expect(deciding).rejects.toMatchObject({ code: 'conflict' });
    const ending = rollcall.database.transaction((tx) => first.end(tx, 'finished', null));
    await expect(ending).rejects.toMatchObject({ code: 'conflict' });
    expect(await stored(id)).toMatchObject({ status: 'running', holder: second.holder });
  });
});

describe('a snapshot that another try of its request has taken over', () => {
  it.each(['a stream', 'a JSON body'])('leaves who that has found missing (%s)', async (form) => {
    await world.push(people(2));
    const { tell } = RunJournal.prototype;
    const missing = { userId: 'u', identityId: 'i', externalId: 'p-1', change: 'deactivate', record: null } as const;
    const taking = jest.spyOn(RunJournal.prototype, 'tell').mockImplementationOnce(async function (this: RunJournal) {
      const { id } = await rollcall.database.read.findOneByOrFail(RunEntity, { holder: this.holder });
      await rollcall.database.transaction(async (tx) => {
        await tx.update(RunEntity, { id }, { holder: 'another' });
        const { tenantId, connectionId } = world;
        const entry = { ...missing, at: 1, statement: null, deactivates: true, loses: [], revision: 1 };
        await addEntries(tx, { id, tenantId, connectionId }, [entry]);
      });
      return tell.call(this);
    });
    const query = `?mode=snapshot&connection=${world.connectionId}`;
    const sent =
      form === 'a stream'
        ? await sendStream(world.admin, toLines(people(1)), query)
        : await world.push(people(1), { mode: 'snapshot' });
    taking.mockRestore();
    expect(sent).toMatchObject({ status: 409, body: { code: 'conflict' } });
    const { tenantId } = world;
    expect(await rollcall.database.read.countBy(RunEntryEntity, { tenantId, state: 'waiting' })).toBe(1);
  });
});

describe('a run that somebody has asked to stop', () => {
  it('takes nothing away, though whoever works on it has not heard of that yet', async () => {
    const id = newId();
    const journal = await open(id);
    await journal.close();
    expect((await world.admin.post(`/sync-runs/${id}/cancel`)).status).toBe(200);
    await expect(decide(id)).rejects.toMatchObject({ code: 'run_cancelled' });
    await rollcall.database.transaction((tx) => journal.end(tx, 'cancelled', null));
    expect(await stored(id)).toMatchObject({ status: 'cancelled', phase: 'ended', heldUntil: null });
  });

  it('as it was silent for too long stays cancelled, and leaves an older one held, though its process wakes up', async () => {
    const older = newId();
    await (await open(older)).close();
    await decide(older);
    const id = newId();
    const journal = await open(id);
    await journal.close();
    await rollcall.database.transaction((tx) => tx.update(RunEntity, { id }, { aliveAt: 1 }));
    expect((await world.admin.post(`/sync-runs/${id}/cancel`)).body).toMatchObject({ status: 'cancelled' });
    const ending = rollcall.app.get(RemovalsService).decide(id, { supersedes: true, holder: journal.holder });
    await expect(ending).rejects.toMatchObject({ code: 'run_cancelled' });
    const finishing = rollcall.database.transaction((tx) => journal.end(tx, 'finished', null));
    await expect(finishing).rejects.toMatchObject({ code: 'conflict' });
    expect([(await stored(id)).status, (await stored(older)).status]).toEqual(['cancelled', 'held']);
  });
});
