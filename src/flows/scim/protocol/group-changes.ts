import type { Json } from '../../../plan/statement.js';
import { Problem } from '../../../platform/problem.js';
import { BodyFaults } from './body-faults.js';
import type { Leniencies } from './leniencies.js';
import { matchElement } from './match-filter.js';
import { type PatchStep, readPatch } from './patch-request.js';
import { isObject, readResourceOfAnySize } from './read-resource.js';
import { saysNothing } from './read-value.js';
import { countTerms, type ResolvedFilter } from './resolve-filter.js';
import { groupResourceType } from './resource-types.js';

/** A member as the client names it. */
export interface NamedMember {
  /** The id of a user, or whatever else the client wrote. */
  value: string;
  /** What the client calls the member, where the connection keeps that (`memberDisplay`). */
  display: string | null;
}

/** A group as a POST or PUT states it: what it leaves out is cleared. */
export interface GroupBody {
  displayName: string;
  externalId: string | null;
  members: NamedMember[];
}

/** What a PATCH makes of a group, its operations folded into one change. What is not mentioned stays as it is. */
export interface GroupChanges {
  displayName?: string;
  externalId?: string | null;
  /** The members from now on are these and no others; then the three lists below are empty. */
  members?: NamedMember[];
  /** Of those who are members now, whoever meets one of these goes: before `remove` and `add`. */
  removeWhere: ResolvedFilter[];
  /** Ids. Nobody is in both lists. */
  remove: string[];
  add: NamedMember[];
  /** Who has to be a member now: nothing is changed where one is not. */
  expected: ExpectedMember[];
}

export interface ExpectedMember {
  id: string;
  /** Of the operation that chooses the member. */
  pointer: string;
}

/**
 * Reads the body of a POST or PUT of a group (RFC 7644, sections 3.3 and 3.5.1). Throws `scim_invalid_syntax` and
 * `scim_invalid_value` with all faults; groups do not nest.
 */
export function readGroup(body: unknown, leniencies: Leniencies): GroupBody {
  const { displayName, externalId, members: list } = readResourceOfAnySize(groupResourceType, body, leniencies);
  const faults = new BodyFaults();
  const members = toMembers(list ?? null, '/members', faults);
  faults.throwIfAny();
  return {
    displayName: typeof displayName === 'string' ? displayName : '',
    externalId: typeof externalId === 'string' ? externalId : null,
    members,
  };
}

/**
 * Reads the PATCH of a group (RFC 7644, section 3.5.2), at the cost of what it names: the group is not needed for it.
 * To add who is a member and to remove who is none changes nothing. Throws what `readPatch` throws, and
 * `payload_too_large` for filters over more members than one request may look at.
 *
 * @param id of the group
 */
export function readGroupPatch(body: unknown, leniencies: Leniencies, id: string): GroupChanges {
  const changes: Pick<GroupChanges, 'displayName' | 'externalId'> = {};
  const fold = new MembersFold(leniencies);
  const faults = new BodyFaults();
  for (const step of readPatch(groupResourceType, body, leniencies, id)) {
    if (step.attribute.name === 'displayName') changes.displayName = getDisplayName(step);
    else if (step.attribute.name === 'externalId') changes.externalId = readExternalId(step);
    else fold.apply(step, toMembers(step.value ?? null, step.pointer, faults));
  }
  faults.throwIfAny();
  return { ...changes, ...fold.net() };
}

function getDisplayName({ op, value, pointer }: PatchStep): string {
  if (op !== 'remove' && typeof value === 'string' && value !== '') return value;
  const detail = 'displayName is required and cannot be removed';
  throw refused(op === 'remove' ? 'scim_mutability' : 'scim_invalid_value', pointer, detail);
}

function readExternalId({ op, value }: PatchStep): string | null {
  return op !== 'remove' && typeof value === 'string' && value !== '' ? value : null;
}

function toMembers(value: Json, pointer: string, faults: BodyFaults): NamedMember[] {
  const members: NamedMember[] = [];
  for (const entry of Array.isArray(value) ? value : [value]) {
    if (!isObject(entry) || saysNothing(entry)) continue;
    const { value: id, type, display } = entry;
    if (typeof type === 'string' && type.toLowerCase() === 'group') {
      faults.addValue(pointer, 'names a group as a member, and groups do not nest here: name the people in it');
    } else if (typeof id !== 'string') {
      faults.addValue(pointer, 'has a member without a value');
    } else members.push({ value: id, display: typeof display === 'string' ? display : null });
  }
  return members;
}

/** How often one PATCH may hold a member against a term of a filter: a few tenths of a second. */
const LOOKS_MAX = 2_000_000;

/** Throws `payload_too_large` for more looks at members than one request may take. */
export function checkLooks(looks: number): void {
  if (looks <= LOOKS_MAX) return;
  const detail = 'The filters of the PATCH look at too many members: name the members by their value.';
  throw new Problem('payload_too_large', detail);
}

/** Folds changes of the members, in order, into one that does the same. */
class MembersFold {
  /** Nobody who was a member before stays one, unless named. */
  private isWhole = false;
  /** Who is a member in the end, and (null) who is not, of those who were named. */
  private readonly named = new Map<string, NamedMember | null>();
  private readonly filters = new Set<ResolvedFilter>();
  /** The filters that nobody named until now meets. */
  private readonly settled = new Set<ResolvedFilter>();
  private readonly expected: ExpectedMember[] = [];
  private looks = 0;

  constructor(private readonly leniencies: Leniencies) {}

  apply(step: PatchStep, members: readonly NamedMember[]): void {
    if (step.subAttribute) this.changePart(step);
    else if (step.filter) this.changeChosen(step, step.filter, members);
    else if (saysNothing(step.value)) return;
    else if (step.op === 'add') this.add(members);
    else if (step.op === 'replace') this.replaceAll(members);
    else if (step.value !== undefined) this.remove(members.map(({ value }) => value));
    else if (this.leniencies.removeAllMembers === 'allow') this.replaceAll([]);
    else throw refused('scim_no_target', step.pointer, 'names no member to remove');
  }

  net(): Omit<GroupChanges, 'displayName' | 'externalId'> {
    const there = [...this.named.values()].filter((member) => member !== null);
    const { expected } = this;
    if (this.isWhole) return { members: there, removeWhere: [], remove: [], add: [], expected };
    const remove = [...this.named].filter(([, member]) => member === null).map(([id]) => id);
    return { removeWhere: [...this.filters], remove, add: there, expected };
  }

  private add(members: readonly NamedMember[]): void {
    if (members.length > 0) this.settled.clear();
    for (const member of members) this.named.set(member.value, member);
  }

  private replaceAll(members: readonly NamedMember[]): void {
    this.isWhole = true;
    this.named.clear();
    this.filters.clear();
    this.add(members);
  }

  private remove(ids: readonly string[]): void {
    for (const id of ids) this.named.set(id, null);
  }

  /** `members[…]`. */
  private changeChosen(step: PatchStep, filter: ResolvedFilter, members: readonly NamedMember[]): void {
    const ids = listIds(filter);
    if (step.op !== 'remove') {
      this.replaceChosen(step, ids, members);
      return;
    }
    if (ids) this.remove(ids);
    else this.removeWhere(filter);
  }

  private removeWhere(filter: ResolvedFilter): void {
    if (!this.isWhole) this.filters.add(filter);
    if (this.settled.has(filter)) return;
    this.looks += this.named.size * countTerms(filter);
    checkLooks(this.looks);
    for (const member of this.named.values()) {
      if (member && matchElement(filter, toElement(member))) this.named.set(member.value, null);
    }
    this.settled.add(filter);
  }

  /** Another member in the place of one; an `add` there can only say again who is a member. */
  private replaceChosen(step: PatchStep, ids: string[] | null, members: readonly NamedMember[]): void {
    const [member] = members;
    const isSame = member === undefined || (ids?.length === 1 && ids[0] === member.value);
    if (ids?.length !== 1 || (step.op === 'add' && !isSame)) {
      throw refused('scim_no_target', step.pointer, 'does not choose one member by its value');
    }
    if (step.op === 'replace') this.expect(ids[0] ?? '', step);
    if (step.op === 'replace' && !isSame) this.remove(ids);
    if (member && (!isSame || this.leniencies.filteredPathWithoutMatch === 'create')) this.add([member]);
  }

  /** Whoever is replaced has to be there (RFC 7644, section 3.5.2.3); whether they are, mostly the stored group tells. */
  private expect(id: string, { pointer }: PatchStep): void {
    if (this.leniencies.filteredPathWithoutMatch === 'create') return;
    const member = this.named.get(id);
    if (member === null || (member === undefined && this.isWhole)) throw noMember(pointer);
    if (member === undefined) this.expected.push({ id, pointer });
  }

  /** What makes a member cannot change; what it is called is not kept by itself. */
  private changePart({ subAttribute, filter, op, value, pointer }: PatchStep): void {
    const ids = filter && listIds(filter);
    const isSame = op !== 'remove' && ids?.length === 1 && ids[0] === value;
    if (subAttribute?.name !== 'value' || isSame) return;
    throw refused('scim_mutability', pointer, 'the value of a member cannot change: remove it, and add the other');
  }
}

/** The ids that `value eq "a" or value eq "b"` names; null for any other filter. */
function listIds(filter: ResolvedFilter): string[] | null {
  if (filter.kind === 'compare') {
    const isId = filter.operator === 'eq' && filter.target.subAttribute?.name === 'value';
    return isId ? [String(filter.value)] : null;
  }
  if (filter.kind !== 'or') return null;
  const lists = filter.terms.map(listIds);
  return lists.every((list) => list !== null) ? lists.flat() : null;
}

function toElement({ value, display }: NamedMember): Json {
  return { value, type: 'User', ...(display === null ? {} : { display }) };
}

/** That an operation chooses nobody who is a member. */
export function noMember(pointer: string): Problem {
  return refused('scim_no_target', pointer, 'meets no member of the group');
}

function refused(code: 'scim_no_target' | 'scim_mutability' | 'scim_invalid_value', pointer: string, detail: string) {
  return new Problem(code, `\`${pointer}\` ${detail}.`, { faults: [{ pointer, detail }] });
}
