import { type EntityManager, IsNull, Not } from 'typeorm';
import { breathe } from '../../platform/breathe.js';
import { DAY, type Micros } from '../../platform/clock.js';
import type { SqlValue } from '../../platform/database.js';
import { selectRows } from '../../platform/sql.js';
import { NameSet, packNames, type Share } from './name-set.js';
import { RunSeenEntity } from './run.entity.js';

/** Whoever asks who was stated since asks within a week; a day is for runs that take long. */
export const SEEN_KEPT: Micros = 8 * DAY;
/** The oldest moment that a snapshot may be the truth of. */
export const SNAPSHOT_AGE_MAX: Micros = 7 * DAY;

const NAMES_PER_ROW = 1000;
const ROWS_PER_READ = 32;
const ROWS_IN_A_ROW = 2;
/** Of one share: 64 to 128 MiB. */
const NAMES_MAX = 4_000_000;

/** Whom some records of a run named, in their order. */
export interface Naming {
  /** The number of the first record. */
  part: number;
  at: Micros;
  externalIds: readonly string[];
  /** The number of the first record of which nobody can say whom it named. */
  unreadable: number | null;
}

export const SEEN_COLUMNS = ['runId', 'part', 'tenantId', 'connectionId', 'at', 'names', 'unreadable'] as const;

/** The rows that keep it, in the order of SEEN_COLUMNS. Parts of one run must lie as far apart as they name people. */
export function seenRows(run: { id: string; tenantId: string; connectionId: string }, naming: Naming): SqlValue[][] {
  const { part, at, externalIds, unreadable } = naming;
  const rows: SqlValue[][] = [];
  for (let from = 0; from < externalIds.length || (from === 0 && unreadable !== null); from += NAMES_PER_ROW) {
    const names = packNames(externalIds.slice(from, from + NAMES_PER_ROW)).toString('base64');
    rows.push([run.id, part + from, run.tenantId, run.connectionId, at, names, from === 0 ? unreadable : null]);
  }
  return rows;
}

/** The number of the first record of a run of which nobody can say whom it named; null: there is none. */
export async function findUnreadable(read: EntityManager, runId: string): Promise<number | null> {
  const where = { runId, unreadable: Not(IsNull()) };
  return (await read.findOne(RunSeenEntity, { where, order: { part: 'ASC' } }))?.unreadable ?? null;
}

/**
 * Whom the pushes of a connection named at `since` or after it: one set, or share by share where that would be too large
 * for memory. `lacks` of all of them together tells who was not named.
 */
export async function* readNamed(
  read: EntityManager,
  connectionId: string,
  since: Micros,
  namesMax = NAMES_MAX,
): AsyncGenerator<NameSet> {
  let of = 1;
  for (let share = 0; share < of; share++) {
    const set = await readShare(read, { connectionId, since, namesMax }, { share, of });
    if (set) yield set;
    else {
      of *= 2;
      share = -1;
    }
  }
}

async function readShare(
  read: EntityManager,
  { connectionId, since, namesMax }: { connectionId: string; since: Micros; namesMax: number },
  share: Share,
): Promise<NameSet | null> {
  const set = new NameSet(share);
  for await (const { packed } of readSeen(read, connectionId, since)) {
    set.addPacked(packed);
    // Shares are of like size: the first of them tells.
    if (share.share === 0 && set.size > namesMax) return null;
  }
  return set;
}

/** Whom one row names, as `packNames` made it. */
export interface SeenRow {
  runId: string;
  at: Micros;
  packed: Buffer;
}

/** What is noted of a connection at `since` or after it, in the order of an index; who reads it keeps nobody waiting. */
export async function* readSeen(read: EntityManager, connectionId: string, since: Micros): AsyncGenerator<SeenRow> {
  let place: { at: SqlValue; runId: SqlValue; part: SqlValue } = { at: since, runId: '', part: 0 };
  for (;;) {
    const { at, runId, part } = place;
    const rows = await selectRows(
      read,
      `SELECT runId, part, at, names FROM run_seen WHERE connectionId = ? AND at >= ?
         AND (at > ? OR runId > ? OR (runId = ? AND part > ?)) ORDER BY at, runId, part LIMIT ${ROWS_PER_READ}`,
      [connectionId, at, at, runId, runId, part],
    );
    for (const [index, row] of rows.entries()) {
      yield { runId: String(row.runId), at: Number(row.at), packed: Buffer.from(String(row.names), 'base64') };
      if (index % ROWS_IN_A_ROW === ROWS_IN_A_ROW - 1) await breathe();
    }
    const last = rows.at(-1);
    if (!last || rows.length < ROWS_PER_READ) return;
    place = { at: last.at ?? null, runId: last.runId ?? null, part: last.part ?? null };
  }
}
