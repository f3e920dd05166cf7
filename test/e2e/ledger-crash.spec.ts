import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { numberEvents } from '../../src/ledger/number-events.js';
import { verifyLedger } from '../../src/ledger/verify-ledger.js';
import { readConfig } from '../../src/platform/config.js';
import type { Database } from '../../src/platform/database.js';
import { newId } from '../../src/platform/ids.js';
import { openDatabase } from '../../src/platform/open-database.js';
import { shape } from '../../src/tables.js';
import { createScratchDatabase, engine, type ScratchDatabase } from '../support/databases.js';

const PROCESS = fileURLToPath(new URL('../support/ledger-process.js', import.meta.url));
/** The embedded database serves one process. */
const PROCESSES = engine === 'mysql' ? 2 : 1;
const KILLS = 10;
const COMMITS_MAX = 60;

describe('a ledger whose processes are killed with -9', () => {
  let scratch: ScratchDatabase;
  let database: Database;
  const tenantIds = [newId(), newId()];
  const running = new Set<ChildProcess>();
  const acknowledged: string[] = [];
  beforeAll(async () => {
    scratch = await createScratchDatabase();
    database = await openDatabase(readConfig(scratch.env), shape);
    await database.migrate();
  });
  afterAll(async () => {
    for (const child of running) child.kill('SIGKILL');
    await database.close();
    await scratch.drop();
  });

  /** Starts a process; ends when it has been killed, at a random point after a random number of commits. */
  async function runAndKill(): Promise<void> {
    const child = spawn(process.execPath, [PROCESS, ...tenantIds], {
      env: { PATH: process.env.PATH, ...scratch.env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    running.add(child);
    const exited = once(child, 'exit');
    const commits = 1 + Math.floor(Math.random() * COMMITS_MAX);
    let text = '';
    let seen = 0;
    for await (const chunk of child.stdout.setEncoding('utf8')) {
      text += String(chunk);
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      acknowledged.push(...lines.flatMap((line) => line.split(' ')));
      seen += lines.length;
      if (seen >= commits) child.kill('SIGKILL');
    }
    const [, signal] = (await exited) as [number | null, string | null];
    running.delete(child);
    expect(signal).toBe('SIGKILL');
  }

  it('has no gap, no double and no broken seal, and every event that was acknowledged', async () => {
    await Promise.all(
      Array.from({ length: PROCESSES }, async () => {
        for (let kill = 0; kill < KILLS / PROCESSES; kill++) await runAndKill();
      }),
    );
    for (;;) {
      const { events, skipped } = await numberEvents(database, 2000);
      // The server may not have noticed yet that a locker is dead.
      if (events === 0 && !skipped) break;
    }
    expect((await verifyLedger(database)).faults).toEqual([]);
    const rows: { number: number; tenantId: string; subjectId: string }[] = await database.read.query(
      'SELECT o.number, o.tenantId, e.subjectId FROM event_order o JOIN events e ON e.id = o.eventId ORDER BY o.number',
    );
    for (const tenantId of tenantIds) {
      const numbers = rows.filter((row) => row.tenantId === tenantId).map((row) => Number(row.number));
      expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    }
    const numbered = rows.map((row) => row.subjectId);
    expect(new Set(numbered).size).toBe(numbered.length);
    expect(acknowledged.length).toBeGreaterThan(KILLS);
    expect(acknowledged.filter((id) => !numbered.includes(id))).toEqual([]);
    const left: unknown[] = await database.read.query('SELECT 1 FROM event_queue');
    expect(left).toEqual([]);
  }, 30_000);
});
