import type { EntityManager } from 'typeorm';
import type { Micros } from '../../platform/clock.js';
import { Problem } from '../../platform/problem.js';
import { execute, insertRows, selectRows } from '../../platform/sql.js';
import { normaliseKey } from '../../platform/text-key.js';
import type { GroupPlan } from './plan-group.js';
import { addMembers, type GroupRow, removeMembers } from './group-store.js';

/** The group is not as it was when the change of it was planned: plan anew. */
export class GroupMoved extends Error {
  constructor() {
    super('The group was changed by another writer since it was read.');
  }
}

/** What a change has done. */
export interface GroupDelta {
  /** As it is now; null when it is gone. */
  group: GroupRow | null;
  /** The names of the attributes that changed; empty where nothing did. */
  fields: string[];
  /** Who came and who went, of those whom the directory knows. */
  added: string[];
  removed: string[];
}

/**
 * Brings a group and its members to what was planned, inside `tx`, with `before` locked: rows of the members who come
 * and go, and no others. Throws `scim_uniqueness`.
 */
export async function writeGroup(
  tx: EntityManager,
  plan: GroupPlan,
  before: GroupRow | null,
  now: Micros,
): Promise<GroupDelta> {
  const { after } = plan;
  if (!after) return deleteGroup(tx, before);
  if (before?.displayName !== after.displayName) await requireFreeName(tx, after);
  if (!before) await insertGroup(tx, after);
  const added = await addMembers(tx, after, plan.add, now);
  const removed = await removeMembers(tx, after.id, plan.remove);
  const names = (['displayName', 'externalId'] as const).filter((name) => (before?.[name] ?? null) !== after[name]);
  const fields = [...names, ...(added.length + removed.length > 0 ? ['members'] : [])];
  const knownOf = (some: readonly { id: string; known: boolean }[]) =>
    some.flatMap(({ id, known }) => (known ? id : []));
  const delta = { added: knownOf(added), removed: knownOf(removed), fields };
  if (!before || fields.length === 0) return { ...delta, group: before ?? after };
  const group: GroupRow = {
    ...after,
    version: before.version + 1,
    revision: before.revision + (names.length > 0 ? 1 : 0),
    // Two changes within one tick of the clock are two changes.
    modifiedAt: Math.max(now, before.modifiedAt + 1),
  };
  await updateGroup(tx, group);
  return { ...delta, group };
}

async function deleteGroup(tx: EntityManager, before: GroupRow | null): Promise<GroupDelta> {
  if (before) {
    await execute(tx, 'DELETE FROM scim_members WHERE groupId = ?', [before.id]);
    await execute(tx, 'DELETE FROM scim_groups WHERE id = ?', [before.id]);
  }
  return { group: null, fields: [], added: [], removed: [] };
}

async function requireFreeName(tx: EntityManager, { connectionId, displayName, id }: GroupRow): Promise<void> {
  const sql = 'SELECT id FROM scim_groups WHERE connectionId = ? AND displayNameKey = ? AND id <> ?';
  const [row] = await selectRows(tx, sql, [connectionId, normaliseKey(displayName), id]);
  if (row) throw new Problem('scim_uniqueness', 'Another group of this directory has that displayName.');
}

async function insertGroup(tx: EntityManager, group: GroupRow): Promise<void> {
  const { id, tenantId, connectionId, displayName, externalId, version, revision, createdAt, modifiedAt } = group;
  await insertRows(
    tx,
    'scim_groups',
    [
      'id',
      'tenantId',
      'connectionId',
      'displayName',
      'displayNameKey',
      'externalId',
      'version',
      'revision',
      'createdAt',
      'modifiedAt',
    ],
    [
      [
        id,
        tenantId,
        connectionId,
        displayName,
        normaliseKey(displayName),
        externalId,
        version,
        revision,
        createdAt,
        modifiedAt,
      ],
    ],
  );
}

async function updateGroup(tx: EntityManager, group: GroupRow): Promise<void> {
  const { id, displayName, externalId, version, revision, modifiedAt } = group;
  await execute(
    tx,
    `UPDATE scim_groups SET displayName = ?, displayNameKey = ?, externalId = ?, version = ?, revision = ?,
     modifiedAt = ? WHERE id = ?`,
    [displayName, normaliseKey(displayName), externalId, version, revision, modifiedAt, id],
  );
}
