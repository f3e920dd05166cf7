import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { RunEntity } from '../../src/records/sync-runs/run.entity.js';
import { directoryOf } from '../support/directory-of.js';
import { people, RemovalsWorld } from '../support/removals-world.js';
import { sendStream, toLines } from '../support/send-stream.js';
import { startApp, type TestApp } from '../support/start-app.js';

describe('a stream under an Idempotency-Key that has its answer', () => {
  let rollcall: TestApp;
  let world: RemovalsWorld;

  beforeAll(async () => {
    rollcall = await startApp();
  });
  afterAll(() => rollcall.stop());
  beforeEach(async () => {
    world = await RemovalsWorld.build(rollcall);
  });

  const send = (body: string | Buffer, headers: Record<string, string> = {}) =>
    sendStream(world.admin, body, `?connection=${world.connectionId}`, { 'idempotency-key': 'nightly', ...headers });
  const directory = () => directoryOf(rollcall.database.read, world.connectionId);
  const runs = () => rollcall.database.read.countBy(RunEntity, { connectionId: world.connectionId });

  it('is told it again for the same lines, however they are packed and asked for', async () => {
    const lines = toLines(people(603));
    const first = await send(lines);
    expect(first.body.counts).toMatchObject({ created: 603 });
    for (const again of [
      await send(lines),
      await send(gzipSync(lines), { 'content-encoding': 'gzip' }),
      await send(lines, { prefer: 'respond-async' }),
    ]) {
      expect([again.status, again.body]).toEqual([200, first.body]);
    }
    expect(await runs()).toBe(1);
  });

  it.each([
    ['other lines', (all: object[]) => all.map((each, n) => (n === 550 ? { ...each, roles: ['editor'] } : each))],
    ['a line less', (all: object[]) => all.slice(0, -1)],
    ['as many lines as fit a chunk', (all: object[]) => all.slice(0, 500)],
    ['a line more', (all: object[]) => [...all, ...people(604).slice(-1)]],
    ['many lines more', (all: object[]) => [...all, ...people(1203).slice(603)]],
    ['none', () => []],
  ])('is refused with %s, and nothing of them is written', async (_, change) => {
    const all = people(603);
    const first = await send(toLines(all));
    const before = await directory();
    for (const headers of [{}, { prefer: 'respond-async' }] as Record<string, string>[]) {
      const { status, body } = await send(toLines(change(all)), headers);
      expect([status, body.code]).toEqual([422, 'idempotency_mismatch']);
    }
    expect([await directory(), await runs()]).toEqual([before, 1]);
    expect((await send(toLines(all))).body).toEqual(first.body);
  });

  it('that was empty is refused with a line', async () => {
    expect((await send('')).body.upTo).toBe(0);
    expect((await send('\n')).status).toBe(200);
    const { status, body } = await send(toLines(people(1)));
    expect([status, body.code, await directory()]).toEqual([422, 'idempotency_mismatch', []]);
  });

  it.each([
    ['is held', 40, 'held'],
    ['took somebody away', 1, 'finished'],
  ])('of a run that %s: the same lines hear it again, others are refused', async (_, leaving, expected) => {
    await world.push(people(40));
    const lines = people(40).map((each, n) => (n < leaving ? { ...each, active: false } : each));
    const first = await send(toLines(lines));
    expect(first.body.status).toBe(expected);
    expect((await send(toLines(lines))).body).toEqual(first.body);
    const { status, body } = await send(toLines(lines.slice(1)));
    expect([status, body.code]).toEqual([422, 'idempotency_mismatch']);
  });

  it('whose answer was never written is told it for the same lines alone', async () => {
    const lines = toLines(people(3));
    const first = await send(lines);
    const unanswered = `UPDATE idempotency_keys SET status = NULL, answer = NULL, heldUntil = 0 WHERE runId = ?`;
    const forget = () => rollcall.database.transaction((tx) => tx.query(unanswered, [first.body.run]));
    await forget();
    expect((await send(toLines(people(4)))).status).toBe(422);
    await forget();
    expect((await send(lines)).body).toEqual(first.body);
    expect((await directory()).length).toBe(3);
  });
});
