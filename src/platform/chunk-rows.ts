import type { SqlValue } from './database.js';

/** SQLite takes 32,766 parameters, MySQL 65,535; 16 MiB is MySQL's smallest common `max_allowed_packet`. */
const PARAMETERS_MAX = 32_000;
const STATEMENT_BYTES_MAX = 4 * 1024 * 1024;
/** Putting a thousand rows into one packet keeps every other request of the process waiting; so many take about 1 ms. */
export const ROWS_MAX = 250;
/** So many at most where there are fewer than that: a shape of statement that comes often is worth preparing. */
export const ROWS_PREPARED_MAX = 64;

/** Cuts `rows` into chunks that fit a statement, by number of parameters and by bytes of text. */
export function* chunkRows(rows: readonly SqlValue[][], columns: number): Generator<readonly SqlValue[][]> {
  const rowsMax = Math.max(1, Math.min(ROWS_MAX, Math.floor(PARAMETERS_MAX / columns)));
  let start = 0;
  let bytes = 0;
  const sizeAt = (at: number) => Math.min(rowsMax, rows.length - at < ROWS_MAX ? ROWS_PREPARED_MAX : ROWS_MAX);
  for (let index = 0; index < rows.length; index++) {
    const size = bytesOf(rows[index] ?? []);
    if (index > start && (index - start >= sizeAt(start) || bytes + size > STATEMENT_BYTES_MAX)) {
      yield rows.slice(start, index);
      start = index;
      bytes = 0;
    }
    bytes += size;
  }
  if (start < rows.length) yield start === 0 ? rows : rows.slice(start);
}

function bytesOf(row: readonly SqlValue[]): number {
  let bytes = 0;
  for (const value of row) bytes += typeof value === 'string' ? value.length * 3 : 9;
  return bytes;
}
