import type { EntityManager } from 'typeorm';
import type { Database, SqlValue } from '../platform/database.js';
import { forUpdate } from '../platform/row-locks.js';
import { deleteByKeys, insertRows, placeholders, selectByKeys } from '../platform/sql.js';
import { type Parcel, readParcels, readUnnumbered } from './event-parcels.js';
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
    const heads = await lockHeads(tx, waiting);
    const skipped = heads.length < waiting.length;
    if (heads.length === 0) return { heads: new Map(), events: 0, skipped, full: false };
    // Read after the locks: what another sequencer numbered meanwhile is gone from the queue.
    const parcels = await readParcels(
      tx,
      heads.map((head) => head.tenantId),
      limit,
    );
    const ids = parcels.flatMap(({ eventIds }) => eventIds);
    const batch = await readUnnumbered(tx, ids);
    const full = ids.length >= limit;
    if (full) batch.push(...(await readEarlierVersions(tx, batch, parcels.at(-1)?.id ?? '')));
    const moved = await writeOrder(tx, heads, orderEvents(batch));
    await deleteParcels(tx, parcels);
    await dropUnusedHeads(tx, heads, moved);
    return { heads: moved, events: batch.length, skipped, full };
  });
}

async function findWaitingTenants(tx: EntityManager, limit: number, excluded: readonly string[]): Promise<string[]> {
  const others = excluded.length === 0 ? '' : `WHERE tenantId NOT IN ${placeholders(excluded.length)}`;
  const rows: { tenantId: string }[] = await tx.query(
    `SELECT DISTINCT tenantId FROM (SELECT tenantId FROM event_queue ${others} ORDER BY id LIMIT ${limit}) oldest`,
    [...excluded],
  );
  return rows.map((row) => row.tenantId).sort();
}

/** Locks the heads that nobody else has locked, and makes those that are missing. */
async function lockHeads(tx: EntityManager, tenantIds: readonly string[]): Promise<Head[]> {
  const heads: Head[] = [];
  for (const some of chunksOf(tenantIds, KEYS_MAX)) {
    const where = `WHERE tenantId IN ${placeholders(some.length)}`;
    const lock = forUpdate(tx) && `${forUpdate(tx)} SKIP LOCKED`;
    const found: Head[] = await tx.query(`SELECT tenantId, number, hash FROM ledger_heads ${where}${lock}`, [...some]);
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

/**
 * A batch that was cut off by id may hold a subject's version and leave out an earlier one, whose id another
 * instance's clock made larger. Those come along. (In a batch that holds the whole queue they are there: a version
 * commits after the one before it.)
 */
async function readEarlierVersions(
  tx: EntityManager,
  batch: readonly EventSkeleton[],
  lastParcelId: string,
): Promise<EventSkeleton[]> {
  const known = new Set(batch.map((event) => event.id));
  const changes = batch.filter((event) => event.subjectVersion > 0);
  const all: EventSkeleton[] = [];
  for (const [tenantId, ofTenant] of Map.groupBy(changes, (event) => event.tenantId)) {
    const bySubject = Map.groupBy(ofTenant, (event) => event.subjectId);
    const rows = await selectByKeys(
      tx,
      (keys) =>
        `SELECT ${EVENT_COLUMNS} FROM events e LEFT JOIN event_order o ON o.eventId = e.id
         WHERE e.tenantId = ? AND e.id > ? AND e.subjectId IN ${keys} AND e.subjectVersion > 0 AND o.eventId IS NULL`,
      [tenantId, lastParcelId],
      [...bySubject.keys()],
    );
    for (const row of rows) {
      const event = readSkeleton(row as unknown as EventRow);
      const comesBefore = bySubject.get(event.subjectId)?.some((later) => isEarlier(event, later));
      if (comesBefore && !known.has(event.id)) all.push(event);
    }
  }
  return all;
}

function isEarlier(a: EventSkeleton, b: EventSkeleton): boolean {
  return a.subjectType === b.subjectType && a.subjectVersion < b.subjectVersion;
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
  await moveHeads(
    tx,
    [...ends.values()].filter((end) => moved.has(end.tenantId)),
  );
  return moved;
}

async function deleteParcels(tx: EntityManager, parcels: readonly Parcel[]): Promise<void> {
  const keys = parcels.map(({ id }) => [id]);
  await deleteByKeys(tx, 'event_queue', ['id'], keys);
}

/** A tenant that was deleted since its events were found in the queue gets no head back. */
async function dropUnusedHeads(
  tx: EntityManager,
  heads: readonly Head[],
  moved: ReadonlyMap<string, number>,
): Promise<void> {
  const unused = heads.filter((head) => Number(head.number) === 0 && !moved.has(head.tenantId));
  await deleteByKeys(
    tx,
    'ledger_heads',
    ['tenantId'],
    unused.map((head) => [head.tenantId]),
  );
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
