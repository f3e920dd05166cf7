import type { EntityManager } from 'typeorm';
import type { Micros } from '../../platform/clock.js';
import { forUpdate } from '../../platform/row-locks.js';
import { execute, insertRows, placeholders, selectByKeys, selectRows, type SqlRow } from '../../platform/sql.js';

/** A group without its members. */
export interface GroupRow {
  id: string;
  tenantId: string;
  connectionId: string;
  displayName: string;
  externalId: string | null;
  version: number;
  /** Counts the changes of what its members' facts call it. */
  revision: number;
  createdAt: Micros;
  modifiedAt: Micros;
}

export interface MemberRow {
  id: string;
  /** What the provider calls it, or else its own name. */
  display: string | null;
}

/** A group as one of its members has it. */
export interface GroupOfMember {
  id: string;
  displayName: string;
  externalId: string | null;
}

const GROUP_COLUMNS = 'id, tenantId, connectionId, displayName, externalId, version, revision, createdAt, modifiedAt';

const KEYS_PER_STATEMENT = 500;

function readGroup(row: SqlRow): GroupRow {
  return {
    id: String(row.id),
    tenantId: String(row.tenantId),
    connectionId: String(row.connectionId),
    displayName: String(row.displayName),
    externalId: row.externalId === null ? null : String(row.externalId),
    version: Number(row.version),
    revision: Number(row.revision),
    createdAt: Number(row.createdAt),
    modifiedAt: Number(row.modifiedAt),
  };
}

/** A group of the connection; null if it has none of that id. */
export async function findGroup(manager: EntityManager, connectionId: string, id: string): Promise<GroupRow | null> {
  const sql = `SELECT ${GROUP_COLUMNS} FROM scim_groups WHERE id = ? AND connectionId = ?`;
  const [row] = await selectRows(manager, sql, [id, connectionId]);
  return row ? readGroup(row) : null;
}

/** The groups of the connection among these ids. */
export async function findGroups(
  manager: EntityManager,
  connectionId: string,
  ids: readonly string[],
): Promise<GroupRow[]> {
  const sql = (keys: string) => `SELECT ${GROUP_COLUMNS} FROM scim_groups WHERE connectionId = ? AND id IN ${keys}`;
  return (await selectByKeys(manager, sql, [connectionId], ids)).map(readGroup);
}

/** The same as `findGroup`, locked until the end of the transaction: who changes a group or its members holds it. */
export async function lockGroup(tx: EntityManager, connectionId: string, id: string): Promise<GroupRow | null> {
  const sql = `SELECT ${GROUP_COLUMNS} FROM scim_groups WHERE id = ? AND connectionId = ?${forUpdate(tx)}`;
  const [row] = await selectRows(tx, sql, [id, connectionId]);
  return row ? readGroup(row) : null;
}

/** The members of some groups of a connection, by group, in the order of their ids. */
export async function readMembers(
  manager: EntityManager,
  groupIds: readonly string[],
): Promise<Map<string, MemberRow[]>> {
  const rows = await selectByKeys(
    manager,
    (keys) =>
      `SELECT m.groupId AS groupId, m.memberId AS memberId, m.display AS display, u.displayName AS ownName
       FROM scim_members m LEFT JOIN identities i ON i.id = m.memberId AND i.connectionId = m.connectionId
       LEFT JOIN users u ON u.id = i.userId WHERE m.groupId IN ${keys} ORDER BY m.groupId, m.memberId`,
    [],
    groupIds,
  );
  const members = new Map<string, MemberRow[]>(groupIds.map((id) => [id, []]));
  for (const { groupId, memberId, display, ownName } of rows) {
    const name = display ?? ownName;
    const member = { id: String(memberId), display: typeof name === 'string' ? name : null };
    members.get(String(groupId))?.push(member);
  }
  return members;
}

/** How many members some groups have together. */
export async function countMembers(manager: EntityManager, groupIds: readonly string[]): Promise<number> {
  const sql = (keys: string) => `SELECT COUNT(*) AS size FROM scim_members WHERE groupId IN ${keys}`;
  return (await selectByKeys(manager, sql, [], groupIds)).reduce((sum, { size }) => sum + Number(size), 0);
}

/** Which of these are members of the group, and whether they are people whom the directory knows. */
export async function findMembers(
  manager: EntityManager,
  groupId: string,
  ids: readonly string[],
): Promise<Map<string, boolean>> {
  const rows = await selectByKeys(
    manager,
    (keys) => `SELECT memberId, known FROM scim_members WHERE groupId = ? AND memberId IN ${keys}`,
    [groupId],
    ids,
  );
  return new Map(rows.map(({ memberId, known }) => [String(memberId), Number(known) === 1]));
}

/** All members of the group, or the first `limit`, and whether they are people whom the directory knows. */
export async function listMembers(
  manager: EntityManager,
  groupId: string,
  limit?: number,
): Promise<Map<string, boolean>> {
  const some = limit === undefined ? '' : ` LIMIT ${limit}`;
  const sql = `SELECT memberId, known FROM scim_members WHERE groupId = ?${some}`;
  const rows = await selectRows(manager, sql, [groupId]);
  return new Map(rows.map(({ memberId, known }) => [String(memberId), Number(known) === 1]));
}

/** Which of these are people of the connection's directory. */
export async function findPeople(
  manager: EntityManager,
  connectionId: string,
  ids: readonly string[],
): Promise<Set<string>> {
  const rows = await selectByKeys(
    manager,
    (keys) => `SELECT identityId FROM scim_users WHERE connectionId = ? AND identityId IN ${keys}`,
    [connectionId],
    ids,
  );
  return new Set(rows.map(({ identityId }) => String(identityId)));
}

/** The groups of some people of a connection, each named once, by person; people without any are left out. */
export async function readGroupsOf(
  manager: EntityManager,
  connectionId: string,
  identityIds: readonly string[],
): Promise<Map<string, GroupOfMember[]>> {
  const rows = await selectByKeys(
    manager,
    (keys) =>
      `SELECT m.memberId AS memberId, g.id AS id, g.displayName AS displayName, g.externalId AS externalId
       FROM scim_members m JOIN scim_groups g ON g.id = m.groupId
       WHERE m.connectionId = ? AND m.memberId IN ${keys} ORDER BY g.id`,
    [connectionId],
    identityIds,
  );
  const groups = new Map<string, GroupOfMember[]>();
  for (const { memberId, id, displayName, externalId } of rows) {
    const one = {
      id: String(id),
      displayName: String(displayName),
      externalId: externalId === null ? null : String(externalId),
    };
    const some = groups.get(String(memberId));
    if (some) some.push(one);
    else groups.set(String(memberId), [one]);
  }
  return groups;
}

export interface NewMember {
  id: string;
  known: boolean;
  display: string | null;
}

/** Adds those that are not members yet; the group is locked. Returns who was added. */
export async function addMembers(
  tx: EntityManager,
  group: GroupRow,
  members: readonly NewMember[],
  now: Micros,
): Promise<NewMember[]> {
  if (members.length === 0) return [];
  const ids = members.map(({ id }) => id);
  const there = await findMembers(tx, group.id, ids);
  const added = members.filter(({ id }) => !there.has(id));
  const { id: groupId, tenantId, connectionId } = group;
  await insertRows(
    tx,
    'scim_members',
    ['groupId', 'memberId', 'tenantId', 'connectionId', 'known', 'display', 'addedAt'],
    added.map(({ id, known, display }) => [groupId, id, tenantId, connectionId, known ? 1 : 0, display, now]),
  );
  return added;
}

/** Takes those named out of the group, which is locked. Returns who was in it. */
export async function removeMembers(
  tx: EntityManager,
  groupId: string,
  ids: readonly string[],
): Promise<{ id: string; known: boolean }[]> {
  if (ids.length === 0) return [];
  const there = await findMembers(tx, groupId, ids);
  const removed = [...there].map(([id, known]) => ({ id, known })).sort((a, b) => (a.id < b.id ? -1 : 1));
  for (let start = 0; start < removed.length; start += KEYS_PER_STATEMENT) {
    const some = removed.slice(start, start + KEYS_PER_STATEMENT).map(({ id }) => id);
    const where = `groupId = ? AND memberId IN ${placeholders(some.length)}`;
    await execute(tx, `DELETE FROM scim_members WHERE ${where}`, [groupId, ...some]);
  }
  return removed;
}
