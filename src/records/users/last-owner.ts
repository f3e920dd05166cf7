import type { EntityManager } from 'typeorm';
import type { Micros } from '../../platform/clock.js';
import type { SqlValue } from '../../platform/database.js';
import { OPERATOR, OWNER } from '../../platform/permissions.js';
import { Problem } from '../../platform/problem.js';
import { rowLock } from '../../platform/row-locks.js';
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

/** Later than every `until`: only a grant without an end counts then. */
const FOR_GOOD = Number.MAX_SAFE_INTEGER;

/** Some user of the tenant who effectively holds the role at the moment, perhaps only until a time; null if nobody does. */
export async function findHolder(
  manager: EntityManager,
  tenantId: string,
  roleKey: string,
  now: Micros,
): Promise<string | null> {
  return select(manager, [tenantId, roleKey, now, 1, 0, now]);
}

/** Some user of the tenant, not among `except`, who effectively holds the role and holds it for good; null if nobody does. */
export async function findLastingHolder(
  manager: EntityManager,
  tenantId: string,
  roleKey: string,
  except: readonly string[],
  now: Micros,
): Promise<string | null> {
  const others = except.length === 0 ? '' : `AND g.userId NOT IN ${placeholders(except.length)}`;
  return select(manager, [tenantId, roleKey, FOR_GOOD, 1, 0, now, ...except], others);
}

/**
 * The last owner stays (in tenant `platform`: the last operator), and whoever is one only until a time is not the last.
 * Throws `last_owner` if, once the users of `losingUserIds` are owners for good no more, nobody is. Name only users who
 * lose it: an empty list passes. It does not matter whether the change is written already; it must be in the same
 * transaction, because the tenant's row is locked until its end, so that two owners cannot remove each other at once.
 */
export async function assertOwnerRemains(
  tx: EntityManager,
  tenantId: string,
  losingUserIds: readonly string[],
  now: Micros,
): Promise<void> {
  if (losingUserIds.length === 0) return;
  const role = ownerRoleOf(await lockTenant(tx, tenantId));
  if ((await findLastingHolder(tx, tenantId, role, losingUserIds, now)) !== null) return;
  throw lastOwner(role);
}

/** As `assertOwnerRemains`, for all whom a connection makes owners; before what it gives is taken away. */
export async function assertOwnerRemainsWithout(
  tx: EntityManager,
  tenantId: string,
  connectionId: string,
  now: Micros,
): Promise<void> {
  const role = ownerRoleOf(await lockTenant(tx, tenantId));
  const values = [tenantId, role, FOR_GOOD, 1, 0, now, connectionId];
  if ((await select(tx, values, 'AND i.connectionId = ?')) === null) return;
  if ((await select(tx, values, `AND (g.sourceId = 'admin' OR i.connectionId <> ?)`)) !== null) return;
  throw lastOwner(role);
}

async function select(manager: EntityManager, values: SqlValue[], more = ''): Promise<string | null> {
  const sql = `SELECT g.userId AS userId ${HOLDERS} ${more} LIMIT 1`;
  const rows = (await execute(manager, sql, values)) as { userId: string }[];
  return rows[0]?.userId ?? null;
}

function ownerRoleOf({ slug }: TenantEntity): string {
  return slug === PLATFORM_SLUG ? OPERATOR : OWNER;
}

function lastOwner(role: string): Problem {
  return new Problem('last_owner', `Nobody else in the tenant holds the role ${role} for good.`);
}

/** The tenant's row, locked where the engine has row locks. Throws `not_found`. */
export async function lockTenant(tx: EntityManager, tenantId: string): Promise<TenantEntity> {
  const tenant = await tx.findOne(TenantEntity, { where: { id: tenantId }, ...rowLock(tx) });
  if (!tenant) throw new Problem('not_found');
  return tenant;
}
