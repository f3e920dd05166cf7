import type { EntityManager } from 'typeorm';
import type { NewEvent } from '../ledger/ledger.service.js';
import { type Losing, type SafetyCatch, trips } from '../plan/safety-catch.js';
import type { Micros } from '../platform/clock.js';
import { Problem } from '../platform/problem.js';
import { rowLock } from '../platform/row-locks.js';
import { execute, selectRows } from '../platform/sql.js';
import { ConnectionEntity } from '../records/connections/connection.entity.js';
import { type RunCounts, RunEntity, RunPartEntity } from '../records/sync-runs/run.entity.js';
import { HELD_FOR } from '../records/sync-runs/run-entries.js';
import { countPeople, scopeOf } from '../records/sync-runs/run-people.js';
import { dropHeldRuns, eventOfRun } from '../records/sync-runs/held-runs.js';
import { tellOutcome } from '../records/sync-runs/run-outcomes.js';

/** What is known of a run when all that it has to say is in. */
export interface RunEnd {
  /** What is written of the run's progress beside; `counts` without what waits for no record. */
  counts?: RunCounts;
  upTo?: number;
  digest?: string | null;
  /** Who works on it (RunJournal); another one has taken it over otherwise. */
  holder?: string;
  /** What went wrong with it otherwise. */
  error?: string | null;
  /** Why it is held whatever it takes away, in a sentence: an empty snapshot. */
  holdsBecause?: string;
  /** Earlier runs that are held are out of date by this one: it says all there is to say, of their scope too. */
  supersedes?: boolean;
}

export type Decision = 'nothing' | 'due' | 'held';

/**
 * Decides, once and for all instances, what becomes of what a run takes away. The run is locked by it. Throws
 * `conflict` if another process has taken the run over, `run_cancelled` if somebody has asked it to stop.
 */
export async function decideRun(
  tx: EntityManager,
  runId: string,
  end: RunEnd,
  now: Micros,
): Promise<{ decision: Decision; events: NewEvent[] }> {
  const run = await tx.findOneOrFail(RunEntity, { where: { id: runId }, ...rowLock(tx) });
  if (end.holder !== undefined && run.holder !== end.holder) {
    throw new Problem('conflict', 'Another try of this request goes on with it.');
  }
  // Whoever asked was told that it stops, and whoever works on it may not have looked since.
  if (run.status === 'cancelled' || (run.status === 'running' && run.phase !== 'removing' && run.cancelAt !== null)) {
    throw new Problem('run_cancelled', undefined, { extra: { run: runId } });
  }
  const events = end.supersedes ? await dropHeldRuns(tx, run, now) : [];
  const waiting = await countWaiting(tx, runId);
  if (run.status !== 'running') return { decision: run.status === 'held' ? 'held' : 'nothing', events };
  if (run.phase === 'removing') return { decision: 'due', events };
  const { upTo, digest, error = null } = end;
  const counts = { ...(end.counts ?? run.counts), ...(waiting > 0 ? { held: waiting } : {}) };
  const said = { counts, ...(upTo === undefined ? {} : { upTo }), ...(digest === undefined ? {} : { digest }) };
  const progress = { ...said, ...(error === null ? {} : { error }) };
  if (waiting === 0 && end.holdsBecause === undefined) {
    await tx.update(RunEntity, { id: runId }, progress);
    return { decision: 'nothing', events };
  }
  // What is committed of it stands in the row from here on.
  await tx.delete(RunPartEntity, { runId });
  const why = end.holdsBecause ?? (await findTrip(tx, run));
  const state = why === null ? 'due' : 'held';
  await execute(tx, `UPDATE run_entries SET state = ? WHERE runId = ? AND state = 'waiting'`, [state, runId]);
  if (why === null) {
    await tx.update(RunEntity, { id: runId }, { ...progress, phase: 'removing', aliveAt: now });
    return { decision: 'due', events };
  }
  const ended = { status: 'held', phase: 'ended', finishedAt: now, aliveAt: now, heldUntil: now + HELD_FOR } as const;
  const reason = error === null ? why : `${why} ${error}`;
  await tx.update(RunEntity, { id: runId }, { ...progress, ...ended, error: reason });
  tellOutcome(tx, run, 'held', reason);
  return { decision: 'held', events: [...events, eventOfRun('run.held', run, null, now)] };
}

async function countWaiting(tx: EntityManager, runId: string): Promise<number> {
  const sql = `SELECT COUNT(*) AS waiting FROM run_entries WHERE runId = ? AND state = 'waiting'`;
  const [row] = await selectRows(tx, sql, [runId]);
  return Number(row?.waiting ?? 0);
}

/** Why the run has to wait for an admin, in a sentence; null if it need not. */
async function findTrip(tx: EntityManager, run: RunEntity): Promise<string | null> {
  const connection = await tx.findOneBy(ConnectionEntity, { id: run.connectionId });
  if (!connection) return null;
  const limits = connection.settings.safetyCatch;
  const losing = await countLosing(tx, run);
  if (!trips(limits, losing, 0)) return null;
  const now = await countPeople(tx, run.connectionId, scopeOf(run), run.startedAt);
  const people = Math.min(now, run.people ?? now);
  return trips(limits, losing, people) ? tellTrip(limits, losing, people) : null;
}

/** As `countPeople`, but for whoever came after the run had begun: nobody loses what they got just now. */
async function countLosing(manager: EntityManager, { id, startedAt }: RunEntity): Promise<Losing> {
  const byUser = `SELECT e.userId AS userId, MAX(e.deactivates) AS off FROM run_entries e
    JOIN identities i ON i.id = e.identityId WHERE e.runId = ? AND i.createdAt < ?
    AND e.state IN ('waiting', 'held') AND (e.deactivates = 1 OR e.loses <> '[]') GROUP BY e.userId`;
  const sql = `SELECT COUNT(*) AS users, SUM(off) AS deactivated FROM (${byUser}) AS losing`;
  const [row] = await selectRows(manager, sql, [id, startedAt]);
  const deactivated = Number(row?.deactivated ?? 0);
  return { deactivated, reduced: Number(row?.users ?? 0) - deactivated };
}

export function tellTrip({ users, percent }: SafetyCatch, { deactivated, reduced }: Losing, people: number): string {
  return (
    `It would switch off ${deactivated} and take roles or entitlements from ${reduced} more of ${people} people; ` +
    `the connection lets fewer than ${users}, or up to ${percent} %, pass without an admin's word.`
  );
}
