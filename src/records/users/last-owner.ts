import type { EntityManager } from 'typeorm';
import type { Micros } from '../../platform/clock.js';
import type { SqlValue } from '../../platform/database.js';
import { OPERATOR, OWNER } from '../../platform/permissions.js';
import { Problem } from '../../platform/problem.js';
import { execute, placeholders } from '../../platform/sql.js';
import { PLATFORM_SLUG, TenantEntity } from '../tenants/tenant.entity.js';

/**
 * Holds the role for real: user not suspended, grant neither expired nor parked, its identity active, no block in force. A grant whose
 * identity is gone counts for nothing either.
 */
const HOLDERS = `
  FROM grants g
  JOIN users u ON u.id = g.userId
  LEFT JOIN identities i ON i.id = g.sourceId
  WHERE g.tenantId = ? AND g.kind = 'role' AND g.heldKey = ?
    AND (g.until IS NULL OR g.until > ?) AND g.parkedAt IS NULL
    AND (g.sourceId = 'admin' OR i.active = ?)
    AND u.suspended = ?
    AND NOT EXISTS (
      SELECT 1 FROM blocks b
      WHERE b.userId = g.userId AND b.kind = 'role' AND b.heldKey = g.heldKey AND (b.until IS NULL OR b.until > ?))`;

/** Some user of the tenant, not among `except`, who effectively holds the role; null if nobody does. */
export async function findHolder(
  manager: EntityManager,
  tenantId: string,
  roleKey: string,
  except: readonly string[],
  now: Micros,
): Promise<string | null> {
  const values: SqlValue[] = [tenantId, roleKey, now, 1, 0, now, ...except];
  const others = except.length === 0 ? '' : ` AND g.userId NOT IN ${placeholders(except.length)}`;
  const rows = (await execute(manager, `SELECT g.userId AS userId ${HOLDERS}${others} LIMIT 1`, values)) as {
    userId: string;
  }[];
  return rows[0]?.userId ?? null;
}

/**
 * The last owner stays (in tenant `platform`: the last operator). Throws `last_owner` if, once the users of
 * `losingUserIds` are owners no more, nobody is. Name only users who lose it: an empty list passes. It does not matter
 * whether the change is written already; it must be in the same transaction, because the tenant's row is locked until
 * its end, so that two owners cannot remove each other at once.
 */
export async function assertOwnerRemains(
  tx: EntityManager,
  tenantId: string,
  losingUserIds: readonly string[],
  now: Micros,
): Promise<void> {
  if (losingUserIds.length === 0) return;
  const tenant = await lockTenant(tx, tenantId);
  const role = tenant.slug === PLATFORM_SLUG ? OPERATOR : OWNER;
  if ((await findHolder(tx, tenantId, role, losingUserIds, now)) !== null) return;
  throw new Problem('last_owner', `Nobody else in the tenant holds the role ${role}.`);
}

/** The tenant's row, locked where the engine has row locks. Throws `not_found`. */
export async function lockTenant(tx: EntityManager, tenantId: string): Promise<TenantEntity> {
  const onServer = tx.connection.options.type !== 'better-sqlite3';
  const tenant = await tx.findOne(TenantEntity, {
    where: { id: tenantId },
    ...(onServer ? { lock: { mode: 'pessimistic_write' as const } } : {}),
  });
  if (!tenant) throw new Problem('not_found');
  return tenant;
}
