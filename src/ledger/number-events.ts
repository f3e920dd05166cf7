import type { EntityManager } from 'typeorm';
import type { Database, SqlValue } from '../platform/database.js';
import { execute, insertRows, joinInOrder, placeholders } from '../platform/sql.js';
import { EVENT_COLUMNS, type EventRow, readSkeleton } from './event-rows.js';
import { type EventSkeleton, GENESIS, orderEvents, sealEvent } from './seal-event.js';

const ORDER_COLUMNS = ['tenantId', 'number', 'eventId', 'hash'] as const;

/** What one transaction of a sequencer did. */
export interface Numbered {
  /** The last number of each tenant that got some. */
  heads: ReadonlyMap<string, number>;
  events: number;
  /** Another sequencer holds some tenant of the batch: there may be more to do when it is done. */
  skipped: boolean;
  /** The batch was cut off at its limit. */
  full: boolean;
}

interface Head {
  tenantId: string;
  number: number;
  hash: string;
}

/** In one statement: deletes and heads. Few enough for the optimizer to read them as a list of keys. */
const KEYS_MAX = 500;
const HEADS_MAX = 100;
/** Sealing so many takes about a millisecond; then requests have their turn. */
const SEALS_IN_A_ROW = 250;

/**
 * Numbers and seals up to about `limit` committed events, oldest first, of all tenants but `excluded`, in one
 * transaction: kill it anywhere and nothing happened. The heads' rows are locked, so any number of sequencers may run;
 * on MySQL each passes over tenants that another one is at.
 *
 * Throws what the database throws: a duplicate when another sequencer made a tenant's head first (run it again), or
 * when a ledger was tampered with (its head is behind its last number).
 */
export async function numberEvents(
  database: Database,
  limit: number,
  excluded: readonly string[] = [],
): Promise<Numbered> {
  return database.transaction(async (tx) => {
    const waiting = await findWaitingTenants(tx, limit, excluded);
    if (waiting.length === 0) return { heads: new Map(), events: 0, skipped: false, full: false };
    const heads = await lockHeads(tx, database, waiting);
    const skipped = heads.length < waiting.length;
    if (heads.length === 0) return { heads: new Map(), events: 0, skipped, full: false };
    const batch = await readBatch(
      tx,
      database,
      heads.map((head) => head.tenantId),
      limit,
    );
    const full = batch.length === limit;
    if (full) batch.push(...(await readEarlierVersions(tx, database, heads, batch)));
    const moved = await writeOrder(tx, heads, orderEvents(batch));
    return { heads: moved, events: batch.length, skipped, full };
  });
}

async function findWaitingTenants(tx: EntityManager, limit: number, excluded: readonly string[]): Promise<string[]> {
  const others = excluded.length === 0 ? '' : `WHERE tenantId NOT IN ${placeholders(excluded.length)}`;
  const rows: { tenantId: string }[] = await tx.query(
    `SELECT DISTINCT tenantId FROM (SELECT tenantId FROM event_queue ${others} ORDER BY eventId LIMIT ${limit}) oldest`,
    [...excluded],
  );
  return rows.map((row) => row.tenantId).sort();
}

/** Locks the heads that nobody else has locked, and makes those that are missing. */
async function lockHeads(tx: EntityManager, database: Database, tenantIds: readonly string[]): Promise<Head[]> {
  const heads: Head[] = [];
  for (const some of chunksOf(tenantIds, KEYS_MAX)) {
    const where = `WHERE tenantId IN ${placeholders(some.length)}`;
    // SQLite has one writer at a time: this transaction is it.
    const lock = database.engine === 'mysql' ? 'FOR UPDATE SKIP LOCKED' : '';
    const found: Head[] = await tx.query(`SELECT tenantId, number, hash FROM ledger_heads ${where} ${lock}`, [...some]);
    heads.push(...found);
    if (found.length === some.length) continue;
    const known: { tenantId: string }[] = await tx.query(`SELECT tenantId FROM ledger_heads ${where}`, [...some]);
    const knownIds = new Set(known.map((row) => row.tenantId));
    const fresh = some.filter((id) => !knownIds.has(id)).map((tenantId) => ({ tenantId, number: 0, hash: GENESIS }));
    await insertRows(
      tx,
      'ledger_heads',
      ['tenantId', 'number', 'hash'],
      fresh.map((head) => [head.tenantId, head.number, head.hash]),
    );
    heads.push(...fresh);
  }
  return heads;
}

/** Reads after the locks: what another sequencer numbered meanwhile is gone from the queue. */
async function readBatch(
  tx: EntityManager,
  database: Database,
  tenantIds: readonly string[],
  limit: number,
): Promise<EventSkeleton[]> {
  const rows: EventRow[] = await tx.query(
    `SELECT ${EVENT_COLUMNS} FROM event_queue q ${joinInOrder(database.engine)} events e ON e.id = q.eventId AND e.tenantId = q.tenantId
     WHERE q.tenantId IN ${placeholders(tenantIds.length)} ORDER BY q.eventId LIMIT ${limit}`,
    [...tenantIds],
  );
  return rows.map(readSkeleton);
}

/**
 * A batch that was cut off by id may hold a subject's version and leave out an earlier one, whose id another
 * instance's clock made larger. Those come along. (In a batch that holds the whole queue they are there: a version
 * commits after the one before it.)
 */
async function readEarlierVersions(
  tx: EntityManager,
  database: Database,
  heads: readonly Head[],
  batch: readonly EventSkeleton[],
): Promise<EventSkeleton[]> {
  const last = batch[batch.length - 1]?.id ?? '';
  const join = joinInOrder(database.engine);
  const rows: EventRow[] = await tx.query(
    `SELECT ${EVENT_COLUMNS}
     FROM (SELECT b.tenantId, b.subjectType, b.subjectId, MAX(b.subjectVersion) AS version
           FROM event_queue q ${join} events b ON b.id = q.eventId AND b.tenantId = q.tenantId
           WHERE q.eventId <= ? AND q.tenantId IN ${placeholders(heads.length)}
           GROUP BY b.tenantId, b.subjectType, b.subjectId) subjects
     ${join} events e ON e.tenantId = subjects.tenantId AND e.subjectId = subjects.subjectId
       AND e.id > ? AND e.subjectType = subjects.subjectType AND e.subjectVersion > 0 AND e.subjectVersion < subjects.version
     ${join} event_queue later ON later.eventId = e.id AND later.tenantId = e.tenantId`,
    [last, ...heads.map((head) => head.tenantId), last],
  );
  return rows.map(readSkeleton);
}

async function writeOrder(
  tx: EntityManager,
  heads: readonly Head[],
  events: readonly EventSkeleton[],
): Promise<ReadonlyMap<string, number>> {
  const ends = new Map(heads.map((head) => [head.tenantId, { ...head, number: Number(head.number) }]));
  const moved = new Map<string, number>();
  const rows: SqlValue[][] = [];
  for (const event of events) {
    const end = ends.get(event.tenantId);
    if (end === undefined) throw new Error(`The head of tenant ${event.tenantId} is not locked.`);
    end.number += 1;
    end.hash = sealEvent(end.hash, end.number, event);
    moved.set(event.tenantId, end.number);
    rows.push([event.tenantId, end.number, event.id, end.hash]);
    if (rows.length % SEALS_IN_A_ROW === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await insertRows(tx, 'event_order', ORDER_COLUMNS, rows);
  await deleteQueued(
    tx,
    events.map((event) => event.id),
  );
  await moveHeads(
    tx,
    [...ends.values()].filter((end) => moved.has(end.tenantId)),
  );
  return moved;
}

async function deleteQueued(tx: EntityManager, ids: readonly string[]): Promise<void> {
  for (const some of chunksOf(ids, KEYS_MAX)) {
    // Padded to a power of two with one key again: few texts, so the prepared statements are used again.
    const size = Math.min(KEYS_MAX, 2 ** Math.ceil(Math.log2(some.length)));
    const keys = [...some, ...Array.from({ length: size - some.length }, () => some[0] as string)];
    await execute(tx, `DELETE FROM event_queue WHERE eventId IN ${placeholders(size)}`, keys);
  }
}

async function moveHeads(tx: EntityManager, ends: readonly Head[]): Promise<void> {
  for (const some of chunksOf(ends, HEADS_MAX)) {
    const whens = 'WHEN ? THEN ? '.repeat(some.length);
    await tx.query(
      `UPDATE ledger_heads SET number = CASE tenantId ${whens}END, hash = CASE tenantId ${whens}END
       WHERE tenantId IN ${placeholders(some.length)}`,
      [
        ...some.flatMap((end) => [end.tenantId, end.number]),
        ...some.flatMap((end) => [end.tenantId, end.hash]),
        ...some.map((end) => end.tenantId),
      ],
    );
  }
}

function* chunksOf<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}
