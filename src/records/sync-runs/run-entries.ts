import type { EntityManager } from 'typeorm';
import { breathe } from '../../platform/breathe.js';
import { SECOND, type Micros } from '../../platform/clock.js';
import type { SqlValue } from '../../platform/database.js';
import { insertRows, selectRows, type SqlRow } from '../../platform/sql.js';
import type { RunEntity, RunEntryEntity } from './run.entity.js';

export type EntryOfRun = Pick<RunEntity, 'id' | 'tenantId' | 'connectionId'>;

/** Something that a run takes away from a user; see RunEntryEntity. */
export type NewEntry = Pick<
  RunEntryEntity,
  'userId' | 'identityId' | 'externalId' | 'change' | 'at' | 'statement' | 'deactivates' | 'loses' | 'revision'
> & {
  /** The number of the record, by which the entry is called too; null: the next free number. */
  record: number | null;
};

export const ENTRY_COLUMNS = [
  'runId',
  'entry',
  'tenantId',
  'connectionId',
  'userId',
  'identityId',
  'externalId',
  // A word of SQL itself.
  '`change`',
  'record',
  'at',
  'statement',
  'deactivates',
  'loses',
  'revision',
  'state',
  'dueAt',
] as const;

/** The row of an entry that waits for the end of its run, in the order of ENTRY_COLUMNS. */
export function entryRow(run: EntryOfRun, given: NewEntry, entry: number): SqlValue[] {
  return [
    run.id,
    entry,
    run.tenantId,
    run.connectionId,
    given.userId,
    given.identityId,
    given.externalId,
    given.change,
    given.record,
    given.at,
    given.statement === null ? null : JSON.stringify(given.statement),
    given.deactivates ? 1 : 0,
    JSON.stringify(given.loses),
    given.revision,
    'waiting',
    null,
  ];
}

/**
 * Notes what a run takes away, before its end, inside the transaction of what it belongs to. One writer at a time for
 * entries without a record's number. Nobody loses anything until `RemovalsService.decide` is called for the run.
 */
export async function addEntries(tx: EntityManager, run: EntryOfRun, entries: readonly NewEntry[]): Promise<void> {
  if (entries.length === 0) return;
  let last = entries.every(({ record }) => record !== null) ? 0 : await findLastEntry(tx, run.id);
  const rows = entries.map((each) => entryRow(run, each, each.record ?? (last += 1)));
  await insertRows(tx, 'run_entries', ENTRY_COLUMNS, rows);
}

const ROWS_PER_READ = 500;

/** What the entries of a run in a state are and of whom, in order; there may be a million. */
export async function* readEntries(
  manager: EntityManager,
  runId: string,
  state: RunEntryEntity['state'],
): AsyncGenerator<SqlRow> {
  const sql = `SELECT entry, identityId, externalId, \`change\`, at FROM run_entries
    WHERE state = ? AND runId = ? AND entry > ? ORDER BY entry LIMIT ${ROWS_PER_READ}`;
  for (let after = 0; ;) {
    const rows = await selectRows(manager, sql, [state, runId, after]);
    yield* rows;
    if (rows.length < ROWS_PER_READ) return;
    after = Number(rows.at(-1)?.entry);
    await breathe();
  }
}

/** Behind every line that a stream can have: entries that stand for no record are numbered from here. */
export const AFTER_RECORDS = 1_000_000_000;

async function findLastEntry(tx: EntityManager, runId: string): Promise<number> {
  const sql = 'SELECT MAX(entry) AS last FROM run_entries WHERE runId = ?';
  const [row] = await selectRows(tx, sql, [runId]);
  return Math.max(AFTER_RECORDS, Number(row?.last ?? 0));
}

/** A held run waits so long for an admin's word. */
export const HELD_FOR: Micros = 7 * 24 * 3600 * SECOND;
