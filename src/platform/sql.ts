import type { EntityManager } from 'typeorm';
import type { SqlValue } from './database.js';

/** SQLite takes 32,766 parameters, MySQL 65,535; 16 MiB is MySQL's smallest common `max_allowed_packet`. */
const PARAMETERS_MAX = 32_000;
const STATEMENT_BYTES_MAX = 4 * 1024 * 1024;

interface Executable {
  execute(sql: string, values: SqlValue[], done: (error: Error | null, result: unknown) => void): void;
}

function isExecutable(connection: unknown): connection is Executable {
  return typeof (connection as { execute?: unknown } | null)?.execute === 'function';
}

/**
 * Runs one statement inside `tx`: as a server-side prepared statement on MySQL, where the driver caches it by its
 * text (a quarter faster than client-side quoting for the writer's few shapes). Returns rows, or the driver's result.
 */
export async function execute(tx: EntityManager, sql: string, values: SqlValue[]): Promise<unknown> {
  const connection: unknown = await tx.queryRunner?.connect();
  if (!isExecutable(connection)) return tx.query(sql, values);
  return new Promise((resolve, reject) => {
    connection.execute(sql, values, (error, result) => (error ? reject(error) : resolve(result)));
  });
}

/** `(?,?,?)` for `count` values. */
export function placeholders(count: number): string {
  return `(${'?,'.repeat(count).slice(0, -1)})`;
}

/** How many rows of so many columns go into one statement. */
export function rowsPerStatement(columns: number): number {
  return Math.max(1, Math.floor(PARAMETERS_MAX / columns));
}

/** Cuts `rows` into chunks that fit a statement, by number of parameters and by bytes of text. */
export function* chunkRows(rows: readonly SqlValue[][], columns: number): Generator<readonly SqlValue[][]> {
  const rowsMax = rowsPerStatement(columns);
  let start = 0;
  let bytes = 0;
  for (let index = 0; index < rows.length; index++) {
    const size = bytesOf(rows[index] ?? []);
    if (index > start && (index - start >= rowsMax || bytes + size > STATEMENT_BYTES_MAX)) {
      yield rows.slice(start, index);
      start = index;
      bytes = 0;
    }
    bytes += size;
  }
  if (start < rows.length) yield rows.slice(start);
}

function bytesOf(row: readonly SqlValue[]): number {
  let bytes = 0;
  for (const value of row) bytes += typeof value === 'string' ? value.length * 3 : 9;
  return bytes;
}

/** Inserts rows of values, in the order of `columns`; does nothing for none. Duplicates throw the driver's error. */
export async function insertRows(
  tx: EntityManager,
  table: string,
  columns: readonly string[],
  rows: readonly SqlValue[][],
): Promise<void> {
  for (const chunk of chunkRows(rows, columns.length)) {
    const tuples = `${placeholders(columns.length)},`.repeat(chunk.length).slice(0, -1);
    await execute(tx, `INSERT INTO ${table} (${columns.join(',')}) VALUES ${tuples}`, chunk.flat());
  }
}
