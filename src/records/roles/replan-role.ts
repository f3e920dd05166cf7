import type { EntityManager } from 'typeorm';
import type { NewEvent } from '../../ledger/ledger.service.js';
import type { Micros } from '../../platform/clock.js';
import { ConnectionEntity } from '../connections/connection.entity.js';
import { keepMappingVersion, lockConnectionsOf } from '../connections/connection-rows.js';
import { startReplan } from '../sync-runs/start-replan.js';

/** The connections of the tenant whose allow-list names the role. */
export async function connectionsThatMayGrant(
  manager: EntityManager,
  tenantId: string,
  roleKey: string,
): Promise<ConnectionEntity[]> {
  const connections = await manager.find(ConnectionEntity, { where: { tenantId }, order: { id: 'ASC' } });
  return connections.filter((each) => each.settings.allowedRoles.includes(roleKey));
}

/**
 * A role that connections may grant means something else from here on: each of them gets a new version of its mapping
 * (the same text), and a run that brings its people to it. Inside the transaction of the role's change.
 */
export async function replanConnectionsOf(
  tx: EntityManager,
  role: { tenantId: string; key: string },
  actor: NewEvent['actor'],
  now: Micros,
): Promise<void> {
  // A save of one of them is waited for: both would give their mapping the same version.
  await lockConnectionsOf(tx, role.tenantId);
  for (const connection of await connectionsThatMayGrant(tx, role.tenantId, role.key)) {
    const mappingVersion = connection.mappingVersion + 1;
    await tx.update(
      ConnectionEntity,
      { id: connection.id },
      // The connection's own version moves too, so that a save of it that is under way cannot undo this one.
      { mappingVersion, version: connection.version + 1, updatedAt: now },
    );
    await keepMappingVersion(tx, { ...connection, mappingVersion }, actor.id, now);
    await startReplan(tx, { tenantId: role.tenantId, connectionId: connection.id, mappingVersion, actor, now });
  }
}
