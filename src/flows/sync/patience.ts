import { setTimeout as sleep } from 'node:timers/promises';
import { databaseTroubleOf } from '../../platform/database-errors.js';
import { Problem } from '../../platform/problem.js';

/** A database that restarts, or a queue that is long: a stream stands still so long before it is given up. */
const PATIENCE_MS = 60_000;

/** Runs `work` again while the database does not answer, or too much waits to be written. It has to bear running twice. */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  const until = performance.now() + PATIENCE_MS;
  for (let pauseMs = 250; ; pauseMs = Math.min(pauseMs * 2, 5000)) {
    try {
      return await work();
    } catch (error) {
      if (!isPassing(error) || performance.now() > until) throw error;
      await sleep(pauseMs);
    }
  }
}

function isPassing(error: unknown): boolean {
  if (error instanceof Problem) return error.code === 'database_unavailable' || error.code === 'overloaded';
  return databaseTroubleOf(error) === 'unavailable';
}
