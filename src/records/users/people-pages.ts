import type { EntityManager } from 'typeorm';
import { parseTime, type Micros } from '../../platform/clock.js';
import { isId } from '../../platform/ids.js';
import { selectRows } from '../../platform/sql.js';

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
 * People in the order of their last change, which an index has, behind a place. In a snapshot nobody moves; from one
 * snapshot to a later one whoever changed moves to the end, so that nobody is left out.
 */
export async function* readPeoplePages(
  manager: EntityManager,
  { tenantId, connectionId }: People,
  after: PeoplePlace,
  size: number,
): AsyncGenerator<PeoplePlace[]> {
  // A person has few identities and a connection many: with both in the condition, SQLite may take the wrong index.
  const ofConnection = 'AND ? IN (SELECT i.connectionId FROM identities i WHERE i.userId = u.id)';
  for (let place = after; ;) {
    const rows = await selectRows(
      manager,
      `SELECT u.id AS id, u.updatedAt AS updatedAt FROM users u
       WHERE u.tenantId = ? AND u.updatedAt >= ? AND (u.updatedAt > ? OR u.id > ?)
       ${connectionId === null ? '' : ofConnection}
       ORDER BY u.updatedAt, u.id LIMIT ${size}`,
      [tenantId, place.updatedAt, place.updatedAt, place.id, ...(connectionId === null ? [] : [connectionId])],
    );
    const page = rows.map(({ id, updatedAt }) => ({ id: String(id), updatedAt: Number(updatedAt) }));
    const last = page.at(-1);
    if (last) {
      yield page;
      place = last;
    }
    if (page.length < size) return;
  }
}
