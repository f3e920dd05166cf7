import type { EntityManager, QueryRunner } from 'typeorm';
import { breathe } from './breathe.js';
import { chunkRows, ROWS_MAX, ROWS_PREPARED_MAX } from './chunk-rows.js';
import type { Engine, SqlValue } from './database.js';
import { type DriverConnection, executeAhead } from './send-ahead.js';

interface Executable {
  execute(sql: string, values: SqlValue[], done: (error: Error | null, result: unknown) => void): void;
}

function isExecutable(connection: unknown): connection is Executable {
  return typeof (connection as { execute?: unknown } | null)?.execute === 'function';
}

/** A row as the driver gives it: by column, numbers as numbers, booleans as 0 and 1. */
export type SqlRow = Record<string, SqlValue>;

/** The connections of transactions on a server whose statements are sent ahead (send-ahead.ts). */
const aheadOf = new WeakMap<QueryRunner, DriverConnection>();

/** From now on the statements of this transaction need not wait for each other's answers. */
export function sendAhead(runner: QueryRunner, connection: unknown): void {
  if (isExecutable(connection)) aheadOf.set(runner, connection as DriverConnection);
}

/**
 * Several writes of one transaction that do not wait for each other: sent in their order, in as few packets as may be.
 * Settles when all are done, so that none comes behind a roll-back; throws what the first of them threw. `breathes`: they
 * are large, and other requests have their turn between them.
 */
export async function writeTogether(
  tx: EntityManager,
  writes: readonly (() => Promise<unknown>)[],
  breathes = false,
): Promise<unknown[]> {
  if (tx.queryRunner && aheadOf.has(tx.queryRunner)) {
    const written: Promise<unknown>[] = [];
    for (const write of writes) {
      if (breathes && written.length > 0) await breathe();
      // One that throws before it waits must not leave the others behind.
      const one = (async () => write())();
      // Heard of at the end, when all have settled.
      one.catch(() => undefined);
      written.push(one);
    }
    return settleAll(written);
  }
  const results: unknown[] = [];
  for (const write of writes) results.push(await write());
  return results;
}

async function settleAll(written: readonly Promise<unknown>[]): Promise<unknown[]> {
  const results: unknown[] = [];
  for (const settled of await Promise.allSettled(written)) {
    if (settled.status === 'rejected') throw settled.reason;
    results.push(settled.value);
  }
  return results;
}

/**
 * Runs one statement inside `tx`: as a server-side prepared statement on MySQL, where the driver caches it by its
 * text (a quarter faster than client-side quoting for the writer's few shapes). Returns the driver's result.
 */
export async function execute(tx: EntityManager, sql: string, values: SqlValue[]): Promise<unknown> {
  const ahead = tx.queryRunner && aheadOf.get(tx.queryRunner);
  if (ahead) {
    return new Promise((resolve, reject) => {
      executeAhead(ahead, sql, values, (error, result) => (error ? reject(error) : resolve(result)));
    });
  }
  const connection: unknown = await tx.queryRunner?.connect();
  if (!isExecutable(connection)) return tx.query(sql, values);
  return executeOn(connection, sql, values);
}

/**
 * The pool itself, for a read outside a transaction on MySQL: a query runner made for each read costs as much as the
 * read. Null where `manager` has a connection of its own, and on SQLite.
 */
function findPool(manager: EntityManager): Executable | null {
  if (manager.queryRunner) return null;
  const { pool } = manager.dataSource.driver as { pool?: unknown };
  return isExecutable(pool) ? pool : null;
}

function executeOn(target: Executable, sql: string, values: SqlValue[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    target.execute(sql, values, (error, result) => (error ? reject(error) : resolve(result)));
  });
}

/** Runs a SELECT, inside a transaction or outside. */
export async function selectRows(manager: EntityManager, sql: string, values: SqlValue[]): Promise<SqlRow[]> {
  return (await execute(manager, sql, values)) as SqlRow[];
}

/** `(?,?,?)` for `count` values. */
export function placeholders(count: number): string {
  return `(${'?,'.repeat(count).slice(0, -1)})`;
}

const KEYS_PER_SELECT = 1000;

/**
 * Joins in the order in which they are written. Left to itself, an optimizer that believes a table to be short (it was,
 * a moment ago) starts at the millions of rows of another one instead.
 */
export function joinInOrder(engine: Engine): string {
  return engine === 'mysql' ? 'STRAIGHT_JOIN' : 'CROSS JOIN';
}

/**
 * Runs `sql(placeholders)` for all `keys`, a thousand at a time, and gathers the rows. The keys are filled up, so that the
 * server sees few shapes of statement. `times`: how often `before` and
 * the keys stand in it.
 */
export async function selectByKeys(
  manager: EntityManager,
  sql: (keyList: string) => string,
  before: readonly SqlValue[],
  keys: readonly SqlValue[],
  { times = 1 }: { times?: number } = {},
): Promise<SqlRow[]> {
  const rows: SqlRow[] = [];
  const pool = findPool(manager);
  for (let start = 0; start < keys.length; start += KEYS_PER_SELECT) {
    // SQLite answers without a pause.
    if (start > 0 && !pool) await breathe();
    const some = keys.slice(start, start + KEYS_PER_SELECT);
    fillUp(some, KEYS_PER_SELECT);
    const text = sql(placeholders(some.length));
    let values = [...before, ...some];
    if (times > 1) values = Array.from({ length: times }, () => values).flat();
    const found = (await (pool ? executeOn(pool, text, values) : execute(manager, text, values))) as SqlRow[];
    if (rows.length === 0) rows.push(...found);
    else for (const row of found) rows.push(row);
  }
  return rows;
}

/** Repeats the last key up to a power of two, or `most`. */
function fillUp<T>(keys: T[], most: number): void {
  const wanted = Math.min(most, 2 ** Math.ceil(Math.log2(keys.length)));
  const last = keys.at(-1);
  while (last !== undefined && keys.length < wanted) keys.push(last);
}

/** Inserts rows of values, in the order of `columns`; does nothing for none. Duplicates throw the driver's error. */
export async function insertRows(
  tx: EntityManager,
  table: string,
  columns: readonly string[],
  rows: readonly SqlValue[][],
): Promise<void> {
  await writeRows(tx, (count) => insertText(table, columns, count), columns.length, rows);
}

/** Texts of INSERTs that were put together once, by the list of columns, which for most tables is the same object. */
const insertTexts = new WeakMap<readonly string[], { table: string; byRows: Map<number, string> }>();

function insertText(table: string, columns: readonly string[], count: number): string {
  let known = insertTexts.get(columns);
  if (known?.table !== table) {
    known = { table, byRows: new Map() };
    insertTexts.set(columns, known);
  }
  let text = known.byRows.get(count);
  if (text === undefined) {
    text = `INSERT INTO ${table} (${columns.join(',')}) VALUES ${tuples(columns.length, count)}`;
    known.byRows.set(count, text);
  }
  return text;
}

function tuples(width: number, count: number): string {
  return `${placeholders(width)},`.repeat(count).slice(0, -1);
}

export interface Upsert {
  table: string;
  columns: readonly string[];
  /** The primary key. */
  key: readonly string[];
  /** The columns that an existing row takes over; none of a unique index, or another row might be the one that is hit. */
  update: readonly string[];
}

/** Writes rows over those with the same primary key, many in one statement. The rows are known to exist and locked. */
export async function upsertRows(
  tx: EntityManager,
  engine: Engine,
  { table, columns, key, update }: Upsert,
  rows: readonly SqlValue[][],
): Promise<void> {
  const tail =
    engine === 'mysql'
      ? ` ON DUPLICATE KEY UPDATE ${update.map((name) => `${name}=VALUES(${name})`).join(',')}`
      : ` ON CONFLICT(${key.join(',')}) DO UPDATE SET ${update.map((name) => `${name}=excluded.${name}`).join(',')}`;
  const text = (count: number) => insertText(table, columns, count) + tail;
  await writeRows(tx, text, columns.length, rows);
}

/** Some columns of rows that are known to exist. */
export interface Replacement {
  table: string;
  /** `id` and `revision` are among them. */
  columns: readonly string[];
  /** What the other columns would need if the row was not there, as SQL; it is never stored. */
  others: Readonly<Record<string, string>>;
}

/**
 * Writes `columns` of rows that stand one `revision` below and have the same `id`: false when some did not, and then the
 * caller gives its transaction up, as the others are written. One statement locks, compares and writes. MySQL only.
 */
export async function replaceRevisions(
  tx: EntityManager,
  { table, columns, others }: Replacement,
  rows: readonly SqlValue[][],
): Promise<boolean> {
  const isNext = 'id = VALUES(id) AND revision = VALUES(revision) - 1';
  // Assigned in this order: the revision, by which the others are judged, comes last.
  const update = [...columns.filter((name) => name !== 'id' && name !== 'revision'), 'revision'];
  const sets = update.map((name) => `${name}=IF(${isNext},VALUES(${name}),${name})`);
  const tuple = `(${[...columns.map(() => '?'), ...Object.values(others)].join(',')})`;
  const head = `INSERT INTO ${table} (${[...columns, ...Object.keys(others)].join(',')}) VALUES `;
  const tail = ` ON DUPLICATE KEY UPDATE ${sets.join(',')}`;
  const text = (count: number) => head + `${tuple},`.repeat(count).slice(0, -1) + tail;
  const results = await writeRows(tx, text, columns.length, rows);
  // The driver counts two for a row that was changed, and one for a row that was not, or was new.
  const counted = results.reduce<number>((sum, each) => sum + (each as { affectedRows: number }).affectedRows, 0);
  return counted === 2 * rows.length;
}

async function writeRows(
  tx: EntityManager,
  textOf: (count: number) => string,
  width: number,
  rows: readonly SqlValue[][],
): Promise<unknown[]> {
  const isAhead = aheadOf.has(tx.queryRunner as QueryRunner);
  const written: Promise<unknown>[] = [];
  for (const chunk of chunkRows(rows, width)) {
    // To put a hundred rows into a packet takes a while.
    if (written.length > 0) {
      if (!isAhead) await written.at(-1);
      await breathe();
    }
    // A shape that hardly comes twice is not worth preparing.
    const write = chunk.length <= ROWS_PREPARED_MAX || chunk.length === ROWS_MAX ? execute : queryOnce;
    const values: SqlValue[] = [];
    for (const row of chunk) for (const value of row) values.push(value);
    const one = write(tx, textOf(chunk.length), values);
    // It may fail before the others are made; whoever waits for all of them hears of it.
    one.catch(() => undefined);
    written.push(one);
  }
  return settleAll(written);
}

function queryOnce(tx: EntityManager, sql: string, values: SqlValue[]): Promise<unknown> {
  return tx.query(sql, values);
}

/** Deletes the rows that have one of these keys, each the values of `columns`; does nothing for none. */
export async function deleteByKeys(
  tx: EntityManager,
  table: string,
  columns: readonly string[],
  keys: readonly SqlValue[][],
): Promise<void> {
  const perStatement = columns.length === 1 ? 1000 : 250;
  for (let start = 0; start < keys.length; start += perStatement) {
    const some = keys.slice(start, start + perStatement);
    if (columns.length === 1) fillUp(some, perStatement);
    const where =
      columns.length === 1
        ? `${columns[0]} IN ${placeholders(some.length)}`
        : some.map(() => `(${columns.map((name) => `${name} = ?`).join(' AND ')})`).join(' OR ');
    await execute(tx, `DELETE FROM ${table} WHERE ${where}`, some.flat());
  }
}
