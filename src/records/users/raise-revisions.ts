import type { EntityManager } from 'typeorm';
import { forUpdate } from '../../platform/row-locks.js';
import { execute, placeholders, selectByKeys } from '../../platform/sql.js';
import { PersonsMoved } from './person-writer.js';

const IDS_PER_STATEMENT = 500;

/**
 * Counts up the revisions of identities that stay as they are while something else that is planned from them changes,
 * so that whoever has planned by the old state is told (rule 8). Throws PersonsMoved when one is not as it was loaded.
 */
export async function raiseRevisions(
  tx: EntityManager,
  identityIds: readonly string[],
  loaded: ReadonlyMap<string, number>,
): Promise<void> {
  const ids = [...identityIds].sort();
  const rows = await selectByKeys(
    tx,
    (keys) => `SELECT id, userId, revision FROM identities WHERE id IN ${keys} ORDER BY id${forUpdate(tx)}`,
    [],
    ids,
  );
  const moved = rows.filter(({ id, revision }) => loaded.get(String(id)) !== Number(revision));
  if (moved.length > 0 || rows.length < ids.length) throw new PersonsMoved(moved.map(({ userId }) => String(userId)));
  for (let start = 0; start < ids.length; start += IDS_PER_STATEMENT) {
    const some = ids.slice(start, start + IDS_PER_STATEMENT);
    await execute(tx, `UPDATE identities SET revision = revision + 1 WHERE id IN ${placeholders(some.length)}`, some);
  }
}
