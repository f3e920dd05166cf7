import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Problem } from '../../src/platform/problem.js';
import { Batch } from '../../src/provisioning/batch.js';
import { ProvisioningService } from '../../src/provisioning/provisioning.service.js';
import { GrantEntity } from '../../src/records/users/grant.entity.js';
import { IdentityEntity } from '../../src/records/users/identity.entity.js';
import { RunEntity, RunEntryEntity } from '../../src/records/sync-runs/run.entity.js';
import { people, type PushAnswer, RemovalsWorld } from '../support/removals-world.js';
import { SentStream, sendStream, toLines } from '../support/send-stream.js';
import { startApp, type TestApp } from '../support/start-app.js';

const PEOPLE = 1200;
const headers = { 'idempotency-key': 'tonight' };

let rollcall: TestApp;
let world: RemovalsWorld;
beforeAll(async () => {
  rollcall = await startApp();
});
afterAll(() => rollcall.stop());
beforeEach(async () => {
  world = await RemovalsWorld.build(rollcall);
  await world.push(people(PEOPLE));
});

const query = () => `?connection=${world.connectionId}`;
const leaving = (count: number) =>
  people(PEOPLE).map((each, n) => (n < count ? { ...each, active: false } : { ...each, displayName: 'x' }));

/** Sends 700 lines; settles once the first chunk is committed. */
async function begin(lines: object[]): Promise<SentStream> {
  const stream = new SentStream(world.admin, query(), headers);
  await stream.write(toLines(lines.slice(0, 700)));
  const where = { tenantId: world.tenantId, state: 'waiting' } as const;
  while ((await rollcall.database.read.countBy(RunEntryEntity, where)) === 0) await pause();
  return stream;
}

/** Sends 700 lines and hangs up, once the first chunk is committed. Returns the run. */
async function breakOff(lines: object[]): Promise<string> {
  const stream = await begin(lines);
  stream.cut();
  for (;;) {
    const run = await rollcall.database.read.findOneBy(RunEntity, { tenantId: world.tenantId, status: 'broken' });
    if (run) return run.id;
    await pause();
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

describe('a stream that breaks off', () => {
  it('has switched nobody off; sent again under its key, it takes away at its end, each person once', async () => {
    const lines = leaving(100);
    const run = await breakOff(lines);
    expect((await world.run(run)).body).toMatchObject({
      counts: { held: 100 },
      error: expect.stringMatching(/^It was cut off\. .*\(records: 100\).*send all of it again/),
    });
    expect(await world.active()).toHaveLength(PEOPLE);
    const { body } = await sendStream(world.admin, toLines(lines), query(), headers);
    expect([body.run, body.status, body.counts.deactivated, body.counts.held]).toEqual([run, 'finished', 100, 0]);
    expect(await world.active()).toHaveLength(PEOPLE - 100);
    expect((await world.plan(run)).body.removals.states).toEqual({ applied: 100 });
  });

  it('is held by all that it takes away, before the break and after it', async () => {
    const lines = leaving(100).map((each, n) => (n >= 1150 ? { ...each, active: false } : each));
    const run = await breakOff(lines);
    const { body } = await sendStream(world.admin, toLines(lines), query(), headers);
    expect([body.run, body.status, body.counts.held]).toEqual([run, 'held', 150]);
    expect(await world.active()).toHaveLength(PEOPLE);
    // The answer under the key stays as it was first given.
    await world.decide(run, 'approve');
    await world.ended(run);
    expect((await sendStream(world.admin, toLines(lines), query(), headers)).body.status).toBe('held');
    expect(await world.active()).toHaveLength(PEOPLE - 150);
  });

  it('is sent again as a whole without its key: that takes away what it says, once', async () => {
    const lines = leaving(100);
    await breakOff(lines);
    const { body } = await sendStream(world.admin, toLines(lines), query());
    expect([body.status, body.counts.deactivated, body.counts.held]).toEqual(['finished', 100, 0]);
    expect(await world.active()).toHaveLength(PEOPLE - 100);
  });

  it('and is cancelled then, takes nothing away any more', async () => {
    const run = await breakOff(leaving(100));
    expect((await world.admin.post(`/sync-runs/${run}/cancel`, undefined)).status).toBe(200);
    expect((await world.plan(run)).body.removals.states).toEqual({ skipped: 100 });
    expect(await world.active()).toHaveLength(PEOPLE);
  });
});

describe('a JSON body that fails on the way', () => {
  it('and is sent again, waits behind what the first try has left waiting', async () => {
    const later = { externalId: 'p-0', displayName: 'Later' };
    const users = [...people(150, { active: false }), ...people(PEOPLE - 150, { displayName: 'x' }, 150), later];
    const send = () => world.admin.post<PushAnswer>('/users/sync', { users, connection: world.connectionId }, headers);
    const provisioning = rollcall.app.get(ProvisioningService);
    const write = provisioning.submitChunk.bind(provisioning);
    const spy = jest.spyOn(provisioning, 'submitChunk').mockImplementation((tenantId, chunk) => {
      const isLast = chunk.some(({ statement }) => statement.fields.displayName === later.displayName);
      return isLast ? Promise.reject(new Problem('internal')) : write(tenantId, chunk);
    });
    expect((await send()).status).toBe(500);
    spy.mockRestore();
    const { body } = await send();
    expect(body.counts.held).toBe(151);
    await world.decide(body.run, 'approve');
    await world.ended(body.run);
    expect(await world.active()).toHaveLength(PEOPLE - 150);
  });
});

describe('a JSON body of which something waits', () => {
  it('is written with what waits of it, though it is cut otherwise once people log in no more', async () => {
    const provisioning = rollcall.app.get(ProvisioningService);
    const sizes = jest.spyOn(provisioning, 'chunkItems', 'get').mockReturnValueOnce(100).mockReturnValueOnce(100);
    const effects = jest.spyOn(rollcall.app.get(Batch), 'writeEffects');
    const users = [...people(120, { displayName: 'x' }), ...people(400, { active: false }, 120)];
    const { body } = await world.push([...users, ...people(200, { displayName: 'x' }, 520)]);
    expect([body.counts, effects.mock.calls]).toEqual([
      expect.objectContaining({ updated: 320, held: 400, failed: 0 }),
      [],
    ]);
    const { externalIds } = await entriesOf(body.run);
    expect(externalIds).toEqual(users.slice(120).map(({ externalId }) => externalId));
    sizes.mockRestore();
    effects.mockRestore();
  });
});

async function entriesOf(runId: string): Promise<{ externalIds: (string | null)[] }> {
  const entries = await rollcall.database.read.find(RunEntryEntity, { where: { runId }, order: { entry: 'ASC' } });
  return { externalIds: entries.map(({ externalId }) => externalId) };
}

describe('a JSON body whose answer was lost while it took away', () => {
  it('and is sent again, is answered when that is done; others have written to some of its people since', async () => {
    const users = [
      ...people(100, { active: false }),
      ...people(400, { displayName: 'x' }, 100),
      ...people(PEOPLE - 500, {}, 500),
      { externalId: 'p-500', roles: ['nothing-like-it'] },
    ];
    const send = () => world.admin.post<PushAnswer>('/users/sync', { users, connection: world.connectionId }, headers);
    const provisioning = rollcall.app.get(ProvisioningService);
    const spy = jest.spyOn(provisioning, 'submitWhole').mockRejectedValue(new Error('The process is gone.'));
    expect((await send()).status).toBe(500);
    await world.push(people(1, { displayName: 'Of others' }, PEOPLE - 1));
    spy.mockRestore();
    const { status, body } = await send();
    expect([status, body.counts]).toEqual([
      200,
      { created: 0, updated: 400, unchanged: PEOPLE - 500, deactivated: 100, stale: 0, held: 0, failed: 1 },
    ]);
    expect(body.results[PEOPLE - 1]).toMatchObject({ externalId: `p-${PEOPLE - 1}`, result: 'unchanged' });
    expect(await world.active()).toHaveLength(PEOPLE - 100);
    expect((await world.run(body.run)).body).toMatchObject({ status: 'finished', counts: { deactivated: 100 } });
    const { items } = (await world.admin.get<{ items: { record: number }[] }>(`/sync-runs/${body.run}/failures`)).body;
    expect(items.map(({ record }) => record)).toEqual([PEOPLE + 1]);
    expect((await send()).body).toEqual(body);
  });
});

async function rolesOf(externalId: string): Promise<string[]> {
  const { database } = rollcall;
  const identity = await database.read.findOneByOrFail(IdentityEntity, {
    connectionId: world.connectionId,
    externalId,
  });
  const grants = await database.read.findBy(GrantEntity, { userId: identity.userId, kind: 'role' });
  return grants.map(({ heldKey }) => heldKey).sort();
}

describe('a push that comes while what a stream takes away waits', () => {
  const off = { active: false, roles: [] };

  it('overrules what it says again, though that is nothing new, and nothing else', async () => {
    const stream = await begin([
      ...people(1, off),
      ...people(1, { roles: [] }, 1),
      ...people(1, off, 2),
      ...people(697, {}, 3),
    ]);
    await world.push([{ externalId: 'p-0', email: 'p-0@new.example' }, ...people(1, {}, 1)]);
    await world.push([{ externalId: 'p-2', active: true }]);
    expect((await stream.end()).body).toMatchObject({ status: 'finished' });
    const active = await world.active();
    expect(['p-0', 'p-1', 'p-2'].map((id) => active.includes(id))).toEqual([false, true, true]);
    expect(await rolesOf('p-1')).toEqual(['editor', 'viewer']);
  });

  it('does not keep the same line from being heard on the next night', async () => {
    const stream = await begin([...people(1, off), ...people(699, {}, 1)]);
    await world.push([{ externalId: 'p-0', active: true }]);
    expect((await stream.end()).body.counts).toMatchObject({ held: 0 });
    expect([(await world.active()).includes('p-0'), await rolesOf('p-0')]).toEqual([true, []]);
    expect((await world.push(people(1, off))).body.results).toMatchObject([{ result: 'deactivated' }]);
  });
});
