import type { EntityManager } from 'typeorm';
import { MINUTE, type Micros } from '../../platform/clock.js';
import { execute, placeholders } from '../../platform/sql.js';

/**
 * Counts up the versions of users whose rows stay as they are, which locks them: whoever plans one of them at the moment
 * has to begin again (rule 8). Each version is later than the one before, as `diffPerson` has it. Answers how many
 * there are of them.
 */
export async function raiseVersions(
  tx: EntityManager,
  tenantId: string,
  userIds: readonly string[],
  now: Micros,
): Promise<Map<string, number>> {
  const keys = placeholders(userIds.length);
  await execute(
    tx,
    `UPDATE users SET version = version + 1,
       updatedAt = CASE WHEN updatedAt >= ? AND updatedAt < ? THEN updatedAt + 1 ELSE ? END
     WHERE tenantId = ? AND id IN ${keys}`,
    [now, now + MINUTE, now, tenantId, ...userIds],
  );
  const sql = `SELECT id, version FROM users WHERE tenantId = ? AND id IN ${keys}`;
  const rows = (await execute(tx, sql, [tenantId, ...userIds])) as { id: string; version: number }[];
  return new Map(rows.map(({ id, version }) => [id, Number(version)]));
}
