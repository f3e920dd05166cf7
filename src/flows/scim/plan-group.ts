import type { EntityManager } from 'typeorm';
import { Problem } from '../../platform/problem.js';
import { selectByKeys } from '../../platform/sql.js';
import { toMemberElement } from './group-resource.js';
import { findMembers, findPeople, type GroupRow, listMembers, type NewMember, readMembers } from './group-store.js';
import {
  checkLooks,
  type ExpectedMember,
  type GroupChanges,
  type NamedMember,
  noMember,
} from './protocol/group-changes.js';
import { matchElement } from './protocol/match-filter.js';
import { countTerms, type ResolvedFilter } from './protocol/resolve-filter.js';

/** So many people follow a group in the transaction of its change; of more, a run takes care. */
export const FOLLOWED_AT_ONCE_MAX = 1000;
const FAULTS_MAX = 20;
const MEMBER_ID_MAX = 255;

/** How the connection's directory takes groups. */
export interface GroupWays {
  groupKey: 'displayName' | 'externalId';
  unknownMembers: 'refuse' | 'ignore' | 'keep';
  /** Before `/Users`. */
  baseUrl: string;
}

/** A change of a group that is ready to be written. */
export interface GroupPlan {
  /** As it was read; null for a new one. */
  before: GroupRow | null;
  /** Its names from now on; null when it is deleted. */
  after: GroupRow | null;
  add: readonly NewMember[];
  /** Those who leave it. */
  remove: readonly string[];
  /** Everybody whose facts follow from it; null where these are too many for one transaction. */
  people: readonly string[] | null;
  /** All members follow: it is called differently, or is no more. */
  everyone: boolean;
  /** It is planned from this very version, and from no later one. */
  exact: boolean;
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
 * What a request changes of a group as it is stored now, by reading only those members whom it names, or all where it
 * names all or asks by a filter. Null where it changes nothing. Throws `scim_invalid_value` for members that cannot be,
 * `scim_no_target` for some who should be and are not, and `payload_too_large` for many filters over many members.
 */
export async function planGroup(
  manager: EntityManager,
  before: GroupRow,
  changes: GroupChanges,
  ways: GroupWays,
): Promise<GroupPlan | null> {
  const { displayName = before.displayName, externalId = before.externalId } = changes;
  const after = { ...before, displayName, externalId };
  const renamed = displayName !== before.displayName || externalId !== before.externalId;
  const everyone = after[ways.groupKey] !== before[ways.groupKey];

  await requireMembers(manager, before, changes.expected);
  const { members } = changes;
  const named = members ?? changes.add;
  const staying = new Set(named.map(({ value }) => value));
  const chosen = await chooseMembers(manager, before, changes.removeWhere, ways);
  const leaving = [...new Set([...chosen, ...changes.remove])].filter((id) => !staying.has(id));
  const there = members
    ? await listMembers(manager, before.id)
    : await findMembers(manager, before.id, [...staying, ...leaving]);
  const remove = members ? [...there.keys()].filter((id) => !staying.has(id)) : leaving.filter((id) => there.has(id));
  const add = await sortMembers(
    manager,
    before.connectionId,
    named.filter(({ value }) => !there.has(value)),
    ways,
  );
  if (!renamed && add.length + remove.length === 0) return null;

  const moving = [...add.flatMap(({ id, known }) => (known ? id : [])), ...remove.filter((id) => there.get(id))];
  const people = everyone ? await withMembers(manager, before.id, moving) : limited(moving);
  // Who leaves is everybody else who is there now: of two lists at the same moment one has to be the later.
  return { before, after, add, remove, people, everyone, exact: members !== undefined };
}

/** The end of a group. */
export async function planRemoval(manager: EntityManager, before: GroupRow): Promise<GroupPlan> {
  const people = await withMembers(manager, before.id, []);
  return { before, after: null, add: [], remove: [], people, everyone: true, exact: false };
}

/** Throws `scim_no_target` where one of them is no member. */
async function requireMembers(
  manager: EntityManager,
  { id }: GroupRow,
  expected: readonly ExpectedMember[],
): Promise<void> {
  if (expected.length === 0) return;
  const ids = new Set(expected.map((each) => each.id));
  const there = await findMembers(manager, id, [...ids]);
  const missing = expected.find((each) => !there.has(each.id));
  if (missing) throw noMember(missing.pointer);
}

/** The members who meet one of the filters. Throws `payload_too_large` for many filters over many members. */
async function chooseMembers(
  manager: EntityManager,
  { id }: GroupRow,
  filters: readonly ResolvedFilter[],
  { baseUrl }: GroupWays,
): Promise<string[]> {
  if (filters.length === 0) return [];
  const members = (await readMembers(manager, [id])).get(id) ?? [];
  checkLooks(filters.reduce((looks, filter) => looks + members.length * countTerms(filter), 0));
  const isChosen = (element: ReturnType<typeof toMemberElement>) =>
    filters.some((filter) => matchElement(filter, element));
  return members.filter((member) => isChosen(toMemberElement(member, baseUrl))).map((member) => member.id);
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
