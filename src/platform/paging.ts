import { Problem } from './problem.js';

/** One page of a list; `cursor` is null on the last one. */
export interface Page<T> {
  items: T[];
  cursor: string | null;
}

/** An opaque cursor that says: after this key. */
export function cursorAfter(key: string): string {
  return Buffer.from(key, 'utf8').toString('base64url');
}

/** The key in a cursor; null without one. Throws `invalid_request` for what no list has given out. */
export function keyOfCursor(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  const key = Buffer.from(cursor, 'base64url').toString('utf8');
  if (key === '' || cursorAfter(key) !== cursor) {
    throw new Problem('invalid_request', undefined, {
      faults: [{ pointer: '?cursor', detail: 'cursor must be one that a list has answered with' }],
    });
  }
  return key;
}

/** Cuts rows that were read one beyond `limit` to a page, and makes views of them. */
export function pageOf<Row, View>(
  rows: readonly Row[],
  limit: number,
  keyOf: (row: Row) => string,
  toView: (row: Row) => View,
): Page<View> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(toView),
    cursor: rows.length > limit && last !== undefined ? cursorAfter(keyOf(last)) : null,
  };
}
