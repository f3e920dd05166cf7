import type { EntityManager } from 'typeorm';
import { Problem } from '../../platform/problem.js';
import { selectByKeys } from '../../platform/sql.js';
import type { GroupEdit, GroupPlan, NamedMember } from './group-delta.js';
import { findMembers, findPeople, type GroupRow, listMembers, type NewMember } from './group-store.js';

/** So many people follow a group in the transaction of its change; of more, a run takes care. */
export const FOLLOWED_AT_ONCE_MAX = 1000;
const FAULTS_MAX = 20;
const MEMBER_ID_MAX = 255;

/** How the connection's directory takes groups. */
export interface GroupWays {
  groupKey: 'displayName' | 'externalId';
  unknownMembers: 'refuse' | 'ignore' | 'keep';
}

/** A new group with its first members. Throws `scim_invalid_value` for members that cannot be. */
export async function planNewGroup(
  manager: EntityManager,
  after: GroupRow,
  members: readonly NamedMember[],
  ways: GroupWays,
): Promise<GroupPlan> {
  const add = await sortMembers(manager, after.connectionId, members, ways);
  const people = limited(add.filter(({ known }) => known).map(({ id }) => id));
  return { before: null, after, add, remove: [], people, everyone: false, exact: false };
}

/**
 * What an edit changes of a group as it is stored now, by reading only those members whom it names, or all where it
 * names all. Null where it changes nothing. Throws `scim_invalid_value` for members that cannot be.
 */
export async function planGroup(
  manager: EntityManager,
  before: GroupRow,
  edit: GroupEdit,
  ways: GroupWays,
): Promise<GroupPlan | null> {
  const { displayName = before.displayName, externalId = before.externalId } = edit;
  const after = { ...before, displayName, externalId };
  const renamed = displayName !== before.displayName || externalId !== before.externalId;
  const everyone = after[ways.groupKey] !== before[ways.groupKey];

  const named = edit.members ?? edit.add ?? [];
  const asked = [...named.map(({ value }) => value), ...(edit.remove ?? [])];
  const there = edit.members ? await listMembers(manager, before.id) : await findMembers(manager, before.id, asked);
  const staying = new Set(edit.members?.map(({ value }) => value));
  const remove = edit.members
    ? [...there.keys()].filter((id) => !staying.has(id))
    : [...new Set(edit.remove)].filter((id) => there.has(id));
  const add = await sortMembers(
    manager,
    before.connectionId,
    named.filter(({ value }) => !there.has(value)),
    ways,
  );
  if (!renamed && add.length + remove.length === 0) return null;

  const moving = [...add.flatMap(({ id, known }) => (known ? id : [])), ...remove.filter((id) => there.get(id))];
  const people = everyone ? await withMembers(manager, before.id, moving) : limited(moving);
  return { before, after, add, remove, people, everyone, exact: false };
}

/** The end of a group. */
export async function planRemoval(manager: EntityManager, before: GroupRow): Promise<GroupPlan> {
  const people = await withMembers(manager, before.id, []);
  return { before, after: null, add: [], remove: [], people, everyone: true, exact: false };
}

async function withMembers(manager: EntityManager, groupId: string, ids: readonly string[]): Promise<string[] | null> {
  const members = await listMembers(manager, groupId, FOLLOWED_AT_ONCE_MAX + 1);
  if (members.size > FOLLOWED_AT_ONCE_MAX) return null;
  return limited([...new Set([...ids, ...[...members].flatMap(([id, known]) => (known ? id : []))])]);
}

function limited(ids: string[]): string[] | null {
  return ids.length > FOLLOWED_AT_ONCE_MAX ? null : ids;
}

/** Members to be, each once, and whether the directory knows them; what it does not know goes by the leniency. */
async function sortMembers(
  manager: EntityManager,
  connectionId: string,
  named: readonly NamedMember[],
  { unknownMembers }: GroupWays,
): Promise<NewMember[]> {
  const once = new Map(named.map((each) => [each.value, each]));
  if (once.size === 0) return [];
  const people = await findPeople(manager, connectionId, [...once.keys()]);
  const unknown = [...once.keys()].filter((id) => !people.has(id));
  await refuseGroups(manager, connectionId, unknown);
  if (unknown.length > 0 && unknownMembers === 'refuse') throw unknownProblem(unknown);
  return [...once.values()].flatMap(({ value: id, display }): NewMember[] => {
    const known = people.has(id);
    if (!known && (unknownMembers !== 'keep' || id.length > MEMBER_ID_MAX)) return [];
    return [{ id, known, display: display === null || display.length > MEMBER_ID_MAX ? null : display }];
  });
}

async function refuseGroups(manager: EntityManager, connectionId: string, ids: readonly string[]): Promise<void> {
  const [row] = await selectByKeys(
    manager,
    (keys) => `SELECT displayName FROM scim_groups WHERE connectionId = ? AND id IN ${keys}`,
    [connectionId],
    ids,
  );
  if (!row) return;
  const detail = `\`${String(row.displayName)}\` is a group, and groups do not nest here: name the people in it.`;
  throw new Problem('scim_invalid_value', detail);
}

function unknownProblem(ids: readonly string[]): Problem {
  const [first = ''] = ids;
  const others = ids.length > 1 ? ` (and ${ids.length - 1} more)` : '';
  const detail = `No user of this directory has the id \`${first.slice(0, MEMBER_ID_MAX)}\`${others}; nothing was changed.`;
  const faults = ids.slice(0, FAULTS_MAX).map((id) => ({
    pointer: '/members',
    detail: `names \`${id.slice(0, MEMBER_ID_MAX)}\`, which is no user of this directory`,
  }));
  return new Problem('scim_invalid_value', detail, { faults });
}
