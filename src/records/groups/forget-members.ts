import type { EntityManager } from 'typeorm';
import type { Micros } from '../../platform/clock.js';
import { execute, placeholders, selectByKeys } from '../../platform/sql.js';

const IDS_PER_STATEMENT = 500;

/**
 * Takes identities that are being deleted out of every group of their connection, in the transaction of their deletion,
 * and counts the groups' versions up. Call it after their rows are locked.
 */
export async function forgetMembers(
  tx: EntityManager,
  connectionId: string,
  identityIds: readonly string[],
  now: Micros,
): Promise<void> {
  const rows = await selectByKeys(
    tx,
    (keys) => `SELECT DISTINCT groupId FROM scim_members WHERE connectionId = ? AND memberId IN ${keys}`,
    [connectionId],
    identityIds,
  );
  // The groups first, in order: who changes a group's members holds the group before them.
  const groupIds = [...new Set(rows.map(({ groupId }) => String(groupId)))].sort();
  for (const groupId of groupIds) {
    await execute(tx, 'UPDATE scim_groups SET version = version + 1, modifiedAt = ? WHERE id = ?', [now, groupId]);
  }
  if (groupIds.length === 0) return;
  for (let start = 0; start < identityIds.length; start += IDS_PER_STATEMENT) {
    const ids = identityIds.slice(start, start + IDS_PER_STATEMENT);
    const where = `connectionId = ? AND memberId IN ${placeholders(ids.length)}`;
    await execute(tx, `DELETE FROM scim_members WHERE ${where}`, [connectionId, ...ids]);
  }
}
