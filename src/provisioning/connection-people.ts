import type { EntityManager } from 'typeorm';
import { selectRows } from '../platform/sql.js';

/** One page of a connection's people, in an order that an index has. */
export interface PeoplePage {
  userIds: string[];
  /** By which they are on the page, in the same order. */
  identityIds: string[];
  /** Where the next page begins; null at the end. */
  next: PeoplePlace | null;
}

export interface PeoplePlace {
  mappingVersion: number;
  identityId: string;
}

/**
 * The users of a connection whose grants were last derived below `mappingVersion`, page by page: by version, then by
 * identity, from `place` on. Whoever is brought up to date meanwhile drops out of it.
 */
export async function readPeople(
  manager: EntityManager,
  connectionId: string,
  mappingVersion: number,
  place: PeoplePlace | null,
  count: number,
): Promise<PeoplePage> {
  const from = place ?? { mappingVersion: 0, identityId: '' };
  const [lowest] = await selectRows(
    manager,
    'SELECT MIN(mappingVersion) AS version FROM identities WHERE connectionId = ? AND mappingVersion >= ? AND mappingVersion < ?',
    [connectionId, from.mappingVersion, mappingVersion],
  );
  if (!lowest || lowest.version === null || lowest.version === undefined)
    return { userIds: [], identityIds: [], next: null };
  const version = Number(lowest.version);
  const after = version === from.mappingVersion ? from.identityId : '';
  const rows = await selectRows(
    manager,
    `SELECT id, userId FROM identities WHERE connectionId = ? AND mappingVersion = ? AND id > ? ORDER BY id LIMIT ${count}`,
    [connectionId, version, after],
  );
  const last = rows.at(-1);
  const next = last
    ? { mappingVersion: version, identityId: String(last.id) }
    : { mappingVersion: version + 1, identityId: '' };
  return { userIds: rows.map((row) => String(row.userId)), identityIds: rows.map(({ id }) => String(id)), next };
}
