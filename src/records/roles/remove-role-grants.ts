import type { EntityManager } from 'typeorm';
import type { NewEvent } from '../../ledger/ledger.service.js';
import type { Micros } from '../../platform/clock.js';
import { execute, placeholders } from '../../platform/sql.js';
import { raiseVersions } from '../users/raise-versions.js';
import type { RoleEntity } from './role.entity.js';

export const USERS_PER_CHUNK = 500;

interface HeldRow {
  userId: string;
  rule: string;
  connectionId: string | null;
  because: string | null;
}

/** How many grants and blocks name the role. */
export async function countHeld(manager: EntityManager, tenantId: string, roleKey: string): Promise<number> {
  let total = 0;
  for (const table of ['grants', 'blocks']) {
    const rows = (await execute(
      manager,
      `SELECT COUNT(*) AS n FROM ${table} WHERE tenantId = ? AND kind = 'role' AND heldKey = ?`,
      [tenantId, roleKey],
    )) as { n: number | string }[];
    total += Number(rows[0]?.n ?? 0);
  }
  return total;
}

/**
 * Takes the role, and blocks of it, from at most 500 users: raises their versions, and answers with one event for each
 * (none: nobody is left).
 */
export async function removeFromSomeUsers(
  tx: EntityManager,
  role: Pick<RoleEntity, 'tenantId' | 'key'>,
  actor: NewEvent['actor'],
  now: Micros,
): Promise<NewEvent[]> {
  const userIds = await someHolders(tx, role);
  if (userIds.length === 0) return [];
  const list = placeholders(userIds.length);
  const held = (await execute(
    tx,
    `SELECT userId, rule, connectionId, because FROM grants
     WHERE kind = 'role' AND heldKey = ? AND userId IN ${list}`,
    [role.key, ...userIds],
  )) as HeldRow[];
  // The user's row comes first: it guards the rest, and whoever plans this user at the moment has to begin again.
  const versions = await raiseVersions(tx, role.tenantId, userIds, now);
  for (const table of ['grants', 'blocks']) {
    await execute(tx, `DELETE FROM ${table} WHERE kind = 'role' AND heldKey = ? AND userId IN ${list}`, [
      role.key,
      ...userIds,
    ]);
  }
  const heldBy = Map.groupBy(held, (row) => row.userId);
  return [...versions].map(([id, version]) => ({
    tenantId: role.tenantId,
    type: 'user.roles_changed',
    subject: { type: 'user', id, version },
    actor,
    via: 'rest',
    reason: `The role ${role.key} was deleted.`,
    fields: heldBy.has(id) ? ['roles'] : ['blocks'],
    personal: { granted: [], revoked: (heldBy.get(id) ?? []).map((row) => toGrantWord(role.key, row)) },
  }));
}

function toGrantWord(key: string, row: HeldRow): Record<string, unknown> {
  const byAdmin = row.connectionId === null;
  return {
    kind: 'role',
    key,
    rule: byAdmin ? null : row.rule,
    connectionId: row.connectionId,
    because: row.because,
  };
}

async function someHolders(tx: EntityManager, role: Pick<RoleEntity, 'tenantId' | 'key'>): Promise<string[]> {
  for (const table of ['grants', 'blocks']) {
    const rows = (await execute(
      tx,
      `SELECT DISTINCT userId FROM ${table} WHERE tenantId = ? AND kind = 'role' AND heldKey = ?
       ORDER BY userId LIMIT ${USERS_PER_CHUNK}`,
      [role.tenantId, role.key],
    )) as { userId: string }[];
    if (rows.length > 0) return rows.map((row) => row.userId);
  }
  return [];
}
