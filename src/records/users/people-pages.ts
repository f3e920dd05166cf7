import type { EntityManager } from 'typeorm';
import { parseTime, type Micros } from '../../platform/clock.js';
import { isId } from '../../platform/ids.js';
import { selectRows, type SqlRow } from '../../platform/sql.js';

/** The users of a tenant, or those of them who have an identity at one connection. */
export interface People {
  tenantId: string;
  connectionId: string | null;
}

/** A user's place in the order of last changes. */
export interface PeoplePlace {
  updatedAt: Micros;
  id: string;
}

export const THE_FIRST: PeoplePlace = { updatedAt: 0, id: '' };

/** `statedAt,externalId` of a record in Rollcall's own words; null where it is none. */
export function readPlace(text: string): PeoplePlace | null {
  const [time = '', id = '', ...more] = text.split(',');
  const updatedAt = parseTime(time);
  return updatedAt === null || !isId(id) || more.length > 0 ? null : { updatedAt, id };
}

/**
 * Users looked through by one statement, so that none runs long, however few of them are of the connection; some
 * milliseconds for which an embedded database does nothing else.
 */
const WINDOW = 2000;

/**
 * People in the order of their last change, which an index has, behind a place. In a snapshot nobody moves; from one
 * snapshot to a later one whoever changed moves to the end, so that nobody is left out. Pages have up to `size` people, and
 * may have none: reading goes on behind them.
 */
export async function* readPeoplePages(
  manager: EntityManager,
  { tenantId, connectionId }: People,
  after: PeoplePlace,
  size: number,
): AsyncGenerator<PeoplePlace[]> {
  // A person has few identities and a connection many: with both in the condition, SQLite may take the wrong index.
  const ofConnection = ', ? IN (SELECT i.connectionId FROM identities i WHERE i.userId = u.id) AS belongs';
  const window = connectionId === null ? size : Math.max(size, WINDOW);
  for (let place: PeoplePlace | null = after; place;) {
    const rows: SqlRow[] = await selectRows(
      manager,
      `SELECT u.id AS id, u.updatedAt AS updatedAt ${connectionId === null ? '' : ofConnection} FROM users u
       WHERE u.tenantId = ? AND u.updatedAt >= ? AND (u.updatedAt > ? OR u.id > ?)
       ORDER BY u.updatedAt, u.id LIMIT ${window}`,
      [...(connectionId === null ? [] : [connectionId]), tenantId, place.updatedAt, place.updatedAt, place.id],
    );
    const people = rows.filter(({ belongs = 1 }) => Number(belongs) === 1).map(toPlace);
    for (let start = 0; start === 0 || start < people.length; start += size) yield people.slice(start, start + size);
    const last = rows.at(-1);
    place = last && rows.length === window ? toPlace(last) : null;
  }
}

function toPlace({ id, updatedAt }: SqlRow): PeoplePlace {
  return { id: String(id), updatedAt: Number(updatedAt) };
}
