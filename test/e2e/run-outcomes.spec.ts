import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { PullWorker } from '../../src/flows/sync/pull-worker.js';
import { SourceFailure } from '../../src/flows/sync/sources/source-reader.js';
import { SourceReaders } from '../../src/flows/sync/sources/source-readers.js';
import { afterCommit } from '../../src/platform/after-commit.js';
import { NestLogger } from '../../src/platform/logging.js';
import { people, RemovalsWorld } from '../support/removals-world.js';
import { ScriptedSource, seedSource } from '../support/scripted-source.js';
import { SentStream, sendStream, toLines } from '../support/send-stream.js';
import { startApp, type TestApp } from '../support/start-app.js';

let rollcall: TestApp;
let world: RemovalsWorld;
let before: Map<string, number>;
const warn = jest.spyOn(NestLogger.prototype, 'warn');

beforeAll(async () => {
  rollcall = await startApp();
});
afterAll(async () => {
  warn.mockRestore();
  await rollcall.stop();
});
beforeEach(async () => {
  world = await RemovalsWorld.build(rollcall);
  before = await numbers();
});
afterEach(() => void warn.mockClear());

async function numbers(): Promise<Map<string, number>> {
  const { body } = await rollcall.http.get<string>('/metrics');
  const lines = body.split('\n').filter((line) => /^rollcall_(runs|sources_suspended)_total/.test(line));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

/** The numbers that have risen in this test, and by how much. */
async function risen(): Promise<Record<string, number>> {
  const now = await numbers();
  const rises = [...now].map(([name, value]) => [name, value - (before.get(name) ?? 0)] as const);
  return Object.fromEntries(rises.filter(([, rise]) => rise !== 0));
}

/** What operators were warned of, of this test's connection. */
function warned(): unknown[] {
  const lines = warn.mock.calls.map(([message]) => message as Record<string, unknown>);
  return lines.filter(({ connection }) => connection === world.connectionId);
}

const ends = (kind: string, outcome: string) => `rollcall_runs_total{kind="${kind}",outcome="${outcome}"}`;
const line = (run: string | null, kind: string, message: string, reason: unknown) => ({
  message,
  tenant: world.tenantId,
  connection: world.connectionId,
  run,
  kind,
  reason,
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('operators', () => {
  it('are told of a source that refuses its credential: the run, the suspension and why', async () => {
    const source = new ScriptedSource();
    const reason = 'people.example.com answered with status 401. It refuses the credential.';
    source.before = () => {
      throw new SourceFailure('unauthorized', reason, { status: 401 });
    };
    rollcall.app.get(SourceReaders).open = () => source;
    await seedSource(rollcall, world);
    const { body } = await world.admin.post(`/connections/${world.connectionId}/sync`);
    const run = String(body.run);
    await rollcall.app.get(PullWorker).lookRound();
    expect(await world.ended(run)).toMatchObject({ status: 'broken' });
    expect(await risen()).toEqual({ [ends('pull', 'broken')]: 1, rollcall_sources_suspended_total: 1 });
    expect(warned()).toEqual([
      line(run, 'pull', 'a run broke', reason),
      line(run, 'pull', 'a source is suspended', expect.stringContaining('401')),
    ]);
  });

  it('are told of a source that refuses its credential in a dry run, though there is no run', async () => {
    const source = new ScriptedSource();
    source.before = () => {
      throw new SourceFailure('unauthorized', 'It refuses the credential.', { status: 401 });
    };
    rollcall.app.get(SourceReaders).open = () => source;
    await seedSource(rollcall, world);
    await world.admin.post(`/connections/${world.connectionId}/sync`, { dryRun: true });
    expect(await risen()).toEqual({ rollcall_sources_suspended_total: 1 });
    expect(warned()).toEqual([line(null, 'pull', 'a source is suspended', expect.any(String))]);
  });

  it.each([
    ['approve', 'finished'],
    ['reject', 'rejected'],
  ] as const)('are told of a push that is held, and can count what became of it: %s', async (how, outcome) => {
    await world.push(people(40));
    const { run } = (await world.push(people(40, { active: false }))).body;
    const held = { [ends('push', 'finished')]: 1, [ends('push', 'held')]: 1 };
    expect(await risen()).toEqual(held);
    expect(warned()).toEqual([line(run, 'push', 'a run waits for an admin', (await world.run(run)).body.error)]);
    await world.decide(run, how);
    await world.ended(run);
    const more = outcome === 'finished' ? { [ends('push', 'finished')]: 2 } : { [ends('push', outcome)]: 1 };
    expect(await risen()).toEqual({ ...held, ...more });
    expect(warned()).toHaveLength(1);
  });

  it('are told of a stream that breaks off, and of one that is cancelled hear a number alone', async () => {
    const query = `?connection=${world.connectionId}`;
    const stream = new SentStream(world.admin, query);
    await stream.write(toLines(people(600)));
    const broken = async () => (await risen())[ends('push', 'broken')] === 1;
    await until(async () => (await world.active()).length === 500);
    stream.cut();
    await until(broken);
    const { body } = await world.admin.get<{ items: { id: string }[] }>(`/sync-runs${query}`);
    const id = String(body.items[0]?.id);
    expect(warned()).toEqual([line(id, 'push', 'a run broke', 'It was cut off.')]);
    await world.admin.post(`/sync-runs/${id}/cancel`);
    expect(await risen()).toEqual({ [ends('push', 'broken')]: 1, [ends('push', 'cancelled')]: 1 });
    expect(warned()).toHaveLength(1);
  });

  it('hear of what finishes by its number alone', async () => {
    await sendStream(world.admin, toLines(people(3)), `?connection=${world.connectionId}&kind=import`);
    await world.push(people(3), { mode: 'snapshot' });
    expect(await risen()).toEqual({ [ends('import', 'finished')]: 1, [ends('push', 'finished')]: 1 });
    expect(warned()).toEqual([]);
  });
});

describe('what is to be done after a commit', () => {
  it('is done once however often the transaction was tried, and not at all without a commit', async () => {
    const done: string[] = [];
    let tries = 0;
    await rollcall.database.transaction(async (tx) => {
      tries += 1;
      afterCommit(tx, () => void done.push(`after try ${tries}`));
      await tx.query('SELECT 1');
      if (tries === 1) throw Object.assign(new Error('deadlock'), { code: 'ER_LOCK_DEADLOCK', errno: 1213 });
      expect(done).toEqual([]);
    });
    expect([tries, done]).toEqual([2, ['after try 2']]);
    const refused = rollcall.database.transaction((tx) => {
      afterCommit(tx, () => void done.push('refused'));
      return Promise.reject(new Error('no'));
    });
    await expect(refused).rejects.toThrow('no');
    expect(done).toHaveLength(1);
  });
});
