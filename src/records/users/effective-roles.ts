import type { EntityManager } from 'typeorm';
import type { Micros } from '../../platform/clock.js';
import { isPrivilegedRole } from '../../platform/grant-rules.js';
import { ADMIN_SOURCE } from './grant.entity.js';

/** A role that a user holds in effect: granted, not blocked, not over. */
export interface EffectiveRole {
  key: string;
  permissions: string[];
  privileged: boolean;
}

interface Row {
  roleKey: string;
  permissions: string;
  markedPrivileged: number | boolean;
}

/**
 * The roles that a user holds now, by key: the union of their grants, less their blocks (rule 1). Grants of an inactive
 * identity do not count (rule 7), nor do those that are parked or whose `until` has come, nor keys without a role. One query, because
 * every request of a user's session makes it.
 */
export async function findEffectiveRoles(
  manager: EntityManager,
  tenantId: string,
  userId: string,
  now: Micros,
): Promise<EffectiveRole[]> {
  const rows = await manager.query<Row[]>(
    `SELECT r.roleKey AS roleKey, r.permissions AS permissions, r.markedPrivileged AS markedPrivileged
     FROM grants g
     JOIN roles r ON r.tenantId = g.tenantId AND r.roleKey = g.heldKey
     LEFT JOIN identities i ON i.id = g.sourceId AND i.userId = g.userId
     LEFT JOIN blocks b ON b.userId = g.userId AND b.kind = g.kind AND b.heldKey = g.heldKey
       AND (b.until IS NULL OR b.until > ?)
     WHERE g.userId = ? AND g.tenantId = ? AND g.kind = 'role' AND b.userId IS NULL
       AND (g.until IS NULL OR g.until > ?) AND g.parkedAt IS NULL AND (g.sourceId = ? OR i.active = ?)
     ORDER BY r.roleKey`,
    [now, userId, tenantId, now, ADMIN_SOURCE, 1],
  );
  const roles: EffectiveRole[] = [];
  for (const row of rows) {
    // Several grants of one role are several rows; the order brings them together.
    if (roles.at(-1)?.key === row.roleKey) continue;
    const permissions = JSON.parse(row.permissions) as string[];
    roles.push({
      key: row.roleKey,
      permissions,
      privileged: isPrivilegedRole({ markedPrivileged: Boolean(row.markedPrivileged), permissions }),
    });
  }
  return roles;
}

/** What a session may do with these roles: one that is not privileged has nothing of its privileged roles (rule 4). */
export function permissionsOf(roles: readonly EffectiveRole[], privileged: boolean): Set<string> {
  const permissions = new Set<string>();
  for (const role of roles) {
    if (role.privileged && !privileged) continue;
    for (const permission of role.permissions) permissions.add(permission);
  }
  return permissions;
}
