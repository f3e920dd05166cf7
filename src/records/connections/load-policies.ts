import { In, type EntityManager } from 'typeorm';
import { compileMapping } from '../../plan/mapping.js';
import type { ConnectionPolicy } from '../../plan/policy.js';
import { normaliseKey } from '../../platform/text-key.js';
import type { RoleCatalogue } from '../roles/role-catalogue.js';
import { ConnectionEntity } from './connection.entity.js';

/**
 * The policies of these connections of a tenant, by id. One whose mapping does not compile any more is left out: it
 * states nothing.
 */
export async function loadPolicies(
  manager: EntityManager,
  tenantId: string,
  connectionIds: readonly string[],
  roles: RoleCatalogue,
): Promise<ReadonlyMap<string, ConnectionPolicy>> {
  const policies = new Map<string, ConnectionPolicy>();
  if (connectionIds.length === 0) return policies;
  const rows = await manager.findBy(ConnectionEntity, { tenantId, id: In([...new Set(connectionIds)]) });
  for (const row of rows) {
    const policy = compilePolicy(row, roles);
    if (policy) policies.set(row.id, policy);
  }
  return policies;
}

/** A connection's settings as the plan wants them; null if its mapping does not compile any more. */
export function compilePolicy(row: ConnectionEntity, roles: ConnectionPolicy['roles']): ConnectionPolicy | null {
  const { settings } = row;
  const ceilings = {
    roles,
    allowedRoles: new Set(settings.allowedRoles),
    allowedEntitlements: settings.allowedEntitlements,
    allowPrivileged: settings.allowPrivileged,
  };
  const { compiled } = compileMapping(settings.mapping, {
    subject: settings.login.subject,
    match: settings.login.match,
    ...ceilings,
  });
  if (!compiled) return null;
  return {
    id: row.id,
    tenantId: row.tenantId,
    name: row.name,
    authority: settings.authority,
    mapping: compiled,
    mappingVersion: row.mappingVersion,
    ...ceilings,
    createUsers: settings.login.createUsers,
    authoritativeDomains: settings.authoritativeDomains.map(normaliseKey),
    emailVerified: settings.emailVerified,
  };
}
