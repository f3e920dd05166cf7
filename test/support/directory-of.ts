import type { EntityManager } from 'typeorm';
import { selectRows } from '../../src/platform/sql.js';

/**
 * What a connection's people are and hold, a line each: `externalId userName active role rule, …`; in order. Two ways to
 * the same directory end in the same lines.
 */
export async function directoryOf(manager: EntityManager, connectionId: string): Promise<string[]> {
  const people = await selectRows(
    manager,
    `SELECT i.id AS id, i.externalId AS externalId, i.active AS active, u.userName AS userName
     FROM identities i JOIN users u ON u.id = i.userId WHERE i.connectionId = ?`,
    [connectionId],
  );
  const grants = await selectRows(
    manager,
    `SELECT g.sourceId AS sourceId, g.heldKey AS heldKey, g.rule AS rule FROM grants g WHERE g.connectionId = ?`,
    [connectionId],
  );
  const held = Map.groupBy(grants, (grant) => String(grant.sourceId));
  return people
    .map(({ id, externalId, active, userName }) => {
      const roles = (held.get(String(id)) ?? []).map((grant) => `${String(grant.heldKey)} ${String(grant.rule)}`);
      return `${String(externalId)} ${String(userName)} ${Number(active)} ${roles.sort().join(', ')}`;
    })
    .sort();
}

/** How many rows there are whose user, identity or connection is gone. */
export async function countOrphans(manager: EntityManager): Promise<number> {
  let count = 0;
  for (const sql of [
    'SELECT COUNT(*) AS n FROM identities WHERE userId NOT IN (SELECT id FROM users)',
    'SELECT COUNT(*) AS n FROM identities WHERE connectionId NOT IN (SELECT id FROM connections)',
    'SELECT COUNT(*) AS n FROM grants WHERE userId NOT IN (SELECT id FROM users)',
    "SELECT COUNT(*) AS n FROM grants WHERE sourceId <> 'admin' AND sourceId NOT IN (SELECT id FROM identities)",
  ]) {
    count += Number((await selectRows(manager, sql, []))[0]?.n);
  }
  return count;
}
