import type { EntityManager } from 'typeorm';
import { Problem } from '../../platform/problem.js';
import { selectRows } from '../../platform/sql.js';
import type { KnownConnection } from '../../provisioning/connection-policies.js';
import { tellTrip } from '../../provisioning/decide-run.js';
import { RemovalGuard, type RemovalsWait } from '../../provisioning/removal-guard.js';
import type { Settled, TableRow } from '../../provisioning/submission.js';
import { type RunEntity, RunFailureEntity } from '../../records/sync-runs/run.entity.js';
import { ENTRY_COLUMNS, entryRow } from '../../records/sync-runs/run-entries.js';
import type { Waiting } from './push-run.js';
import type { RecordResultName } from './sync-result.js';

/** The guard of a push's records; `scope`: the part of the connection that it speaks for, null: the whole. */
export function guardOf({ row }: KnownConnection, mode: RemovalGuard['mode'], scope: string | null): RemovalGuard {
  return new RemovalGuard(mode, row.settings.safetyCatch, scope);
}

export function guardRecords(waiting: readonly Waiting[], guard: RemovalGuard): void {
  for (const { submission } of waiting) submission.guard = guard;
}

/** An atomic push cannot be written in part. */
export function tooMuchAtOnce({ row }: KnownConnection, { losing, people }: RemovalsWait): Problem {
  const why = tellTrip(row.settings.safetyCatch, losing, people);
  return new Problem('batch_refused', `${why} Send it without \`atomic\`, and what takes away waits for that.`);
}

/** Whatever comes now waits behind what an earlier try has left waiting. */
export async function resumeGuard(read: EntityManager, runId: string, guard: RemovalGuard): Promise<void> {
  const sql = `SELECT DISTINCT identityId FROM run_entries WHERE runId = ? AND state = 'waiting'`;
  guard.noteWaiting((await selectRows(read, sql, [runId])).map(({ identityId }) => String(identityId)));
}

/** What the held records of a chunk leave behind, for the transaction of the chunk. */
export function entryRows(
  run: Pick<RunEntity, 'id' | 'tenantId' | 'connectionId'>,
  waiting: readonly Waiting[],
  settled: readonly Settled[],
  numberOf: (index: number) => number,
): TableRow[] {
  const rows: TableRow[] = [];
  for (const [place, { record }] of waiting.entries()) {
    const one = settled[place];
    if (one?.kind !== 'held') continue;
    const { at, revision, statement } = one;
    const { userId, identityId } = one.outcome;
    const number = numberOf(record.index);
    const entry = {
      userId,
      identityId,
      externalId: record.externalId,
      change: 'statement' as const,
      record: number,
      at,
      revision,
      ...one.loss,
      statement: { says: statement },
    };
    rows.push({ table: 'run_entries', columns: ENTRY_COLUMNS, values: entryRow(run, entry, number) });
  }
  return rows;
}

export interface RecordFate {
  /** Its number, from 1. */
  record: number;
  result: RecordResultName;
  problem?: { code: string; detail: string };
}

/** What has become of a run's held records by now. */
export async function readFates(manager: EntityManager, runId: string): Promise<RecordFate[]> {
  const rows = await selectRows(
    manager,
    'SELECT record, state, deactivates FROM run_entries WHERE runId = ? AND record IS NOT NULL',
    [runId],
  );
  const failures = new Map<number, RecordFate['problem']>();
  if (rows.some(({ state }) => state === 'failed')) {
    for (const { record, code, detail } of await manager.findBy(RunFailureEntity, { runId })) {
      failures.set(record, { code, detail });
    }
  }
  return rows.map((row) => {
    const record = Number(row.record);
    if (row.state === 'applied') return { record, result: row.deactivates ? 'deactivated' : 'updated' };
    if (row.state === 'skipped') return { record, result: 'stale' };
    const problem = failures.get(record);
    return row.state === 'failed' && problem ? { record, result: 'failed', problem } : { record, result: 'held' };
  });
}
