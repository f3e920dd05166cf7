import type { EntityManager } from 'typeorm';
import { forShare } from '../platform/row-locks.js';
import { selectRows } from '../platform/sql.js';

/** A connection was saved, switched off or deleted since it was read: what was planned by it does not count. */
export class ConnectionMoved extends Error {
  constructor(readonly connectionId: string) {
    super(`Connection ${connectionId} was changed since it was read.`);
  }
}

/**
 * Keeps the connections as they are until the end of the transaction: a deletion would else miss the identities that are
 * being written, and an edited rule's re-plan the people who are planned by the old one. Writers do not wait for each
 * other here, only a save of a connection waits for them. Throws ConnectionMoved. Call it after whatever locks a tenant.
 *
 * @param versions of the connections' rows, as they were read
 */
export async function holdConnections(tx: EntityManager, versions: ReadonlyMap<string, number>): Promise<void> {
  for (const id of [...versions.keys()].sort()) {
    const [row] = await selectRows(tx, `SELECT version, status FROM connections WHERE id = ?${forShare(tx)}`, [id]);
    if (row?.status !== 'active' || Number(row.version) !== versions.get(id)) throw new ConnectionMoved(id);
  }
}

/** As `holdConnections`, by the version of the mapping alone, and whatever the connection's status. */
export async function holdMapping(tx: EntityManager, connectionId: string, mappingVersion: number): Promise<void> {
  const [row] = await selectRows(tx, `SELECT mappingVersion FROM connections WHERE id = ?${forShare(tx)}`, [
    connectionId,
  ]);
  if (Number(row?.mappingVersion) !== mappingVersion) throw new ConnectionMoved(connectionId);
}
