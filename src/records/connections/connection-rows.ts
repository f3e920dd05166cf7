import type { EntityManager } from 'typeorm';
import type { Principal } from '../../platform/access.js';
import type { Micros } from '../../platform/clock.js';
import { isId } from '../../platform/ids.js';
import { Problem } from '../../platform/problem.js';
import { rowLock } from '../../platform/row-locks.js';
import { TenantEntity } from '../tenants/tenant.entity.js';
import { planSettingsOf } from './compare-connections.js';
import { ConnectionEntity, MappingVersionEntity } from './connection.entity.js';

/**
 * The connection as this principal sees it. A foreign tenant's, or another one than its key is bound to, is 404.
 *
 * @param lock for a change: nobody else changes it until the transaction ends
 */
export async function getConnection(
  manager: EntityManager,
  principal: Principal,
  id: string,
  lock: 'locked' | 'unlocked' = 'unlocked',
): Promise<ConnectionEntity> {
  const isMine = isId(id) && (principal.connectionId === null || principal.connectionId === id);
  const row = isMine
    ? await manager.findOne(ConnectionEntity, {
        where: { id, tenantId: principal.tenantId },
        ...(lock === 'locked' ? rowLock(manager) : {}),
      })
    : null;
  if (!row) throw new Problem('not_found', 'There is no such connection.');
  return row;
}

/**
 * Lets one save of a tenant's connections run at a time: each is checked against its siblings. SQLite has one writer
 * anyway. Read connections only after it.
 */
export async function lockConnectionsOf(tx: EntityManager, tenantId: string): Promise<void> {
  await tx.findOne(TenantEntity, { where: { id: tenantId }, ...rowLock(tx) });
}

/** Keeps what decides, from this version on, what people hold; each count of `mappingVersion` calls for it. */
export async function keepMappingVersion(
  tx: EntityManager,
  row: ConnectionEntity,
  savedBy: string,
  now: Micros,
): Promise<void> {
  await tx.insert(MappingVersionEntity, {
    connectionId: row.id,
    version: row.mappingVersion,
    tenantId: row.tenantId,
    mapping: planSettingsOf(row.settings),
    savedBy,
    savedAt: now,
  });
}
