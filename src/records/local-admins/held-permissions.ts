import { type EntityManager, In } from 'typeorm';
import { isOwnPermission } from '../../platform/permissions.js';
import { RoleEntity } from '../roles/role.entity.js';
import { GrantEntity } from '../users/grant.entity.js';

/** Rollcall's own permissions of every role that anything grants the user, though it be blocked or over at present. */
export async function findHeldPermissions(
  manager: EntityManager,
  { tenantId, id }: { tenantId: string; id: string },
): Promise<string[]> {
  const held = await manager.findBy(GrantEntity, { userId: id, kind: 'role' });
  const roles = await manager.findBy(RoleEntity, { tenantId, key: In(held.map((grant) => grant.heldKey)) });
  return [...new Set(roles.flatMap((role) => role.permissions))].filter(isOwnPermission);
}
