import type { Micros } from '../../platform/clock.js';
import type { SqlValue } from '../../platform/database.js';
import { isId } from '../../platform/ids.js';
import { keyOfCursor } from '../../platform/paging.js';
import { Problem } from '../../platform/problem.js';
import { normaliseKey } from '../../platform/text-key.js';

export const USER_SORTS = ['userName', 'displayName', 'email', 'createdAt', 'updatedAt'] as const;
export type UserSort = (typeof USER_SORTS)[number];

const COLUMNS = {
  userName: 'u.userNameKey',
  displayName: 'u.displayNameKey',
  email: 'u.emailKey',
  createdAt: 'u.createdAt',
  updatedAt: 'u.updatedAt',
} as const satisfies Record<UserSort, string>;

/** Sorts behind every text that begins with what stands before it. */
const LAST_LETTER = '\u{10FFFF}';

export interface UserListing {
  tenantId: string;
  q?: string;
  role?: string;
  connection?: string;
  externalId?: string;
  active?: boolean;
  suspended?: boolean;
  sort: UserSort;
  order: 'asc' | 'desc';
  now: Micros;
}

/** Where a page ended: the sorted value and the id of its last user. */
export interface UserPlace {
  value: string | number | null;
  id: string;
}

export interface SqlText {
  sql: string;
  values: SqlValue[];
}

/** The text that a cursor holds: the place, and the sort that it belongs to. */
export function toCursorKey(sort: UserSort, order: 'asc' | 'desc', place: UserPlace): string {
  return JSON.stringify([sort, order, place.value, place.id]);
}

/** Throws `invalid_request` for a cursor that this list did not give out, or gave out for another sort. */
export function readUserCursor(cursor: string | undefined, sort: UserSort, order: 'asc' | 'desc'): UserPlace | null {
  const key = keyOfCursor(cursor);
  if (key === null) return null;
  const [hadSort, hadOrder, value, id] = parseList(key);
  const isTime = sort === 'createdAt' || sort === 'updatedAt';
  if (USER_SORTS.some((each) => each === hadSort) && (hadSort !== sort || hadOrder !== order)) {
    throw cursorFault(`belongs to a list sorted by ${String(hadSort)} ${String(hadOrder)}; begin again without it`);
  }
  const fits = isTime ? Number.isSafeInteger(value) : value === null || typeof value === 'string';
  if (hadSort !== sort || !fits || typeof id !== 'string' || !isId(id)) {
    throw cursorFault('must be one that this list has answered with');
  }
  return { value: value as UserPlace['value'], id };
}

/** One page's ids in order, with the sorted value as `place`: at most `rowsMax`. */
export function selectUserPage(listing: UserListing, after: UserPlace | null, rowsMax: number): SqlText {
  const column = COLUMNS[listing.sort];
  const parts = [{ sql: 'u.tenantId = ?', values: [listing.tenantId] as SqlValue[] }, ...filtersOf(listing)];
  if (after) parts.push(behind(column, listing.order, after));
  return {
    sql: `SELECT u.id AS id, ${column} AS place FROM users u WHERE ${parts.map(({ sql }) => sql).join(' AND ')} ORDER BY ${column} ${listing.order}, u.id ${listing.order} LIMIT ${rowsMax}`,
    values: parts.flatMap(({ values }) => values),
  };
}

/** Both engines sort null before everything else. */
function behind(column: string, order: 'asc' | 'desc', { value, id }: UserPlace): SqlText {
  const sign = order === 'asc' ? '>' : '<';
  if (value === null) {
    const nulls = `(${column} IS NULL AND u.id ${sign} ?)`;
    return { sql: order === 'asc' ? `(${nulls} OR ${column} IS NOT NULL)` : nulls, values: [id] };
  }
  // The first comparison says nothing new: it is there for the index.
  const rest = `(${column} ${sign}= ? AND (${column} ${sign} ? OR u.id ${sign} ?))`;
  return { sql: order === 'asc' ? rest : `(${rest} OR ${column} IS NULL)`, values: [value, value, id] };
}

function filtersOf(listing: UserListing): SqlText[] {
  const { tenantId, q, role, connection, externalId, active, suspended, now } = listing;
  const parts: SqlText[] = [];
  if (q !== undefined) {
    // A range and not LIKE: it needs no escaping, and both engines look it up in an index, byte for byte.
    const from = normaliseKey(q);
    const columns = [COLUMNS.userName, COLUMNS.email, COLUMNS.displayName];
    parts.push({
      sql: `(${columns.map((column) => `(${column} >= ? AND ${column} < ?)`).join(' OR ')})`,
      values: columns.flatMap(() => [from, from + LAST_LETTER]),
    });
  }
  if (role !== undefined) parts.push(holding(tenantId, role, now));
  if (externalId !== undefined) {
    const of = connection === undefined ? 'IN (SELECT c.id FROM connections c WHERE c.tenantId = ?)' : '= ?';
    parts.push({
      sql: `u.id IN (SELECT i.userId FROM identities i WHERE i.connectionId ${of} AND i.externalId = ?)`,
      values: [connection ?? tenantId, externalId],
    });
  } else if (connection !== undefined) {
    parts.push({
      sql: 'EXISTS (SELECT 1 FROM identities i WHERE i.userId = u.id AND i.connectionId = ?)',
      values: [connection],
    });
  }
  if (active !== undefined) parts.push(switchedOn(active));
  if (suspended !== undefined) parts.push({ sql: 'u.suspended = ?', values: [suspended ? 1 : 0] });
  return parts;
}

/** The role counts: granted by an admin, or through an identity that is on, not ended, not parked, and not blocked. */
function holding(tenantId: string, role: string, now: Micros): SqlText {
  return {
    sql: `u.id IN (SELECT g.userId FROM grants g LEFT JOIN identities i ON i.id = g.sourceId
      WHERE g.tenantId = ? AND g.kind = 'role' AND g.heldKey = ?
        AND (g.until IS NULL OR g.until > ?) AND g.parkedAt IS NULL AND (g.sourceId = 'admin' OR i.active = 1)
        AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.userId = g.userId AND b.kind = 'role'
          AND b.heldKey = g.heldKey AND (b.until IS NULL OR b.until > ?)))`,
    values: [tenantId, role, now, now],
  };
}

function switchedOn(active: boolean): SqlText {
  const some = 'EXISTS (SELECT 1 FROM identities i WHERE i.userId = u.id AND i.active = 1)';
  const any = 'EXISTS (SELECT 1 FROM identities i WHERE i.userId = u.id)';
  return { sql: active ? `(${some} OR NOT ${any})` : `(${any} AND NOT ${some})`, values: [] };
}

function parseList(key: string): unknown[] {
  try {
    const list: unknown = JSON.parse(key);
    return Array.isArray(list) && list.length === 4 ? list : [];
  } catch {
    return [];
  }
}

function cursorFault(detail: string): Problem {
  return new Problem('invalid_request', undefined, { faults: [{ pointer: '?cursor', detail: `cursor ${detail}` }] });
}
