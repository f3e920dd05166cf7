import type { EntityManager } from 'typeorm';
import type { Principal } from '../../platform/access.js';
import { assertMayGrant } from '../../platform/grant-rules.js';
import { loadRoleCatalogue } from '../roles/role-catalogue.js';
import type { ConnectionEntity } from './connection.entity.js';

/**
 * Whoever pushes for a connection says who holds its roles, also that they do themselves. So a user pushes, or hands out
 * a key that does, only for connections whose privileged roles hold nothing that the user lacks. Keys pass: whoever made
 * one was asked then. An operator's, which nobody of the tenant made, does not. Throws `may_not_grant`.
 */
export async function assertMayPush(
  manager: EntityManager,
  principal: Principal,
  connections: readonly Pick<ConnectionEntity, 'settings'>[],
): Promise<void> {
  if (principal.type !== 'user' && principal.operatorOf === null) return;
  const keys = connections.flatMap(({ settings }) => (settings.allowPrivileged ? settings.allowedRoles : []));
  if (keys.length === 0) return;
  const roles = await loadRoleCatalogue(manager, principal.tenantId);
  const given = [...new Set(keys)].flatMap((key) => {
    const role = roles.get(key);
    return role?.privileged ? role.permissions : [];
  });
  assertMayGrant(principal, given);
}
