import type { EntityManager } from 'typeorm';
import { isPrivilegedRole } from '../../platform/grant-rules.js';
import { RoleEntity } from './role.entity.js';

export interface CataloguedRole {
  privileged: boolean;
  permissions: readonly string[];
}

/** The tenant's roles by key. */
export type RoleCatalogue = ReadonlyMap<string, CataloguedRole>;

export async function loadRoleCatalogue(manager: EntityManager, tenantId: string): Promise<RoleCatalogue> {
  const roles = await manager.findBy(RoleEntity, { tenantId });
  return new Map(
    roles.map((role) => [role.key, { privileged: isPrivilegedRole(role), permissions: role.permissions }]),
  );
}
