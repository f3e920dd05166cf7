import { sameJson } from '../../../plan/facts.js';
import { LIST_ITEMS_MAX } from '../../../plan/record.js';
import type { Json } from '../../../plan/statement.js';
import { Problem } from '../../../platform/problem.js';
import type { Leniencies } from './leniencies.js';
import { matchElement } from './match-filter.js';
import { countWithoutValue, dropDoubles, mergeEntries, removeEntries, withPrimary } from './merge-entries.js';
import { checkSize, isObject, type ScimResource } from './read-resource.js';
import { type JsonObject, saysNothing, withoutNulls } from './read-value.js';
import { countTerms, type ResolvedFilter } from './resolve-filter.js';
import type { PatchStep } from './patch-request.js';

/** How often one PATCH may look at an entry of a list: a few tenths of a second. */
const LOOKS_MAX = 250_000;
/** A look at an entry takes as long as one at so many characters of it. */
const CHARS_PER_LOOK = 32;

/**
 * Applies the steps of a PATCH in order, each to the result of the one before (RFC 7644, section 3.5.2). Answers a new
 * resource, or the same object where nothing changed in the end; never changes `resource` itself, so that what throws
 * leaves it as it was. Throws `scim_no_target`, `scim_mutability`, `scim_invalid_value` and `payload_too_large`.
 */
export function applyPatch(resource: ScimResource, steps: readonly PatchStep[], leniencies: Leniencies): ScimResource {
  let next = resource;
  let looks = 0;
  for (const step of joinAdditions(steps)) {
    looks += countLooks(next, step);
    if (looks > LOOKS_MAX) {
      throw new Problem('payload_too_large', 'The PATCH looks at too many values of lists: send several requests.');
    }
    next = applyStep(next, step, leniencies);
  }
  if (next === resource || sameJson(resource, next)) return resource;
  checkSize(next);
  return next;
}

/** Additions to one list that follow one another are one: else each of ten thousand would look through the list. */
function joinAdditions(steps: readonly PatchStep[]): PatchStep[] {
  const joined: PatchStep[] = [];
  let added: Json[] = [];
  for (const step of steps) {
    const last = joined.at(-1);
    const isNext = last && isAddition(last) && last.attribute === step.attribute && last.extension === step.extension;
    if (!isAddition(step)) joined.push(step);
    else if (isNext) added.push(...step.value);
    else {
      added = [...step.value];
      joined.push({ ...step, value: added });
    }
  }
  return joined;
}

function isAddition(step: PatchStep): step is PatchStep & { value: Json[] } {
  const { op, filter, subAttribute, value } = step;
  return op === 'add' && filter === null && subAttribute === null && Array.isArray(value);
}

function countLooks(resource: ScimResource, { op, attribute, extension, filter, value }: PatchStep): number {
  const holder = extension === null ? resource : (resource[extension] as JsonObject | undefined);
  const list = holder?.[attribute.name];
  if (!attribute.multiValued || !Array.isArray(list)) return 0;
  const named = op === 'remove' && Array.isArray(value) ? countWithoutValue(value) : 0;
  const entries = Math.max(list.length, JSON.stringify(list).length / CHARS_PER_LOOK);
  return entries * Math.max(1, named, filter ? countTerms(filter) : 0);
}

function applyStep(resource: ScimResource, step: PatchStep, leniencies: Leniencies): ScimResource {
  const { attribute, extension } = step;
  const holder = extension === null ? resource : (resource[extension] as JsonObject | undefined);
  const before = holder?.[attribute.name] ?? null;
  const after = attribute.multiValued ? changeList(before, step, leniencies) : changeSingle(before, step);
  if (after === before) return resource;
  checkRequired(step, after);
  const changed = put(holder ?? {}, attribute.name, after);
  if (extension === null) return changed;
  return put(resource, extension, Object.keys(changed).length === 0 ? null : changed);
}

function checkRequired({ attribute, op, pointer }: PatchStep, after: Json): void {
  if (!attribute.required || (after !== null && after !== '')) return;
  const detail = `${attribute.name} is required and cannot be removed`;
  throw new Problem(op === 'remove' ? 'scim_mutability' : 'scim_invalid_value', `\`${pointer}\` ${detail}.`, {
    faults: [{ pointer, detail }],
  });
}

function changeSingle(before: Json, step: PatchStep): Json {
  const { op, subAttribute, value = null } = step;
  if (subAttribute) return merge(before, { [subAttribute.name]: op === 'remove' ? null : value });
  if (op === 'remove' || value === null) return null;
  if (isObject(value)) return merge(before, value);
  return sameJson(before, value) ? before : value;
}

/** Only the parts that are named change (RFC 7644, sections 3.5.2.1 and 3.5.2.3); null takes a part away. */
function merge(before: Json, parts: JsonObject): Json {
  const old = isObject(before) ? (before as JsonObject) : {};
  const merged: JsonObject = { ...old, ...parts };
  // The address was that of the value before.
  const isOther = parts.value !== undefined && parts.value !== old.value && parts.$ref === undefined;
  if (isOther) delete merged.$ref;
  const after = withoutNulls(merged);
  return sameJson(before, after) ? before : after;
}

function changeList(before: Json, step: PatchStep, leniencies: Leniencies): Json {
  const list = Array.isArray(before) ? before : [];
  const after = step.filter || step.subAttribute ? changeChosen(list, step, leniencies) : changeWhole(list, step);
  if (after === list) return before;
  if (after.length > LIST_ITEMS_MAX) {
    throw new Problem('payload_too_large', `\`${step.attribute.name}\` has more than ${LIST_ITEMS_MAX} entries.`);
  }
  return after.length === 0 ? null : after;
}

function changeWhole(list: Json[], { op, value, attribute }: PatchStep): Json[] {
  const values = Array.isArray(value) ? value : [];
  if (op === 'add') return mergeEntries(list, values, attribute);
  if (op === 'replace') return saysNothing(value) || sameJson(list, values) ? list : values;
  if (value === undefined) return [];
  // A client that names entries means these alone, whatever the standard says of a value here: never empty the list.
  return removeEntries(list, values, attribute);
}

/** `attr[filter]`, `attr[filter].sub` and `attr.sub`. */
function changeChosen(list: Json[], step: PatchStep, leniencies: Leniencies): Json[] {
  const { op, filter } = step;
  const chosen: number[] = [];
  list.forEach((entry, i) => {
    if (!filter || matchElement(filter, entry)) chosen.push(i);
  });
  const [first] = chosen;
  if (first === undefined) {
    if (op === 'remove') {
      if (leniencies.removeWithoutMatch === 'ignore' || !filter) return list;
      throw noTarget(step);
    }
    return create(list, step, leniencies);
  }
  const changed = new Map<number, Json>();
  for (const i of chosen) {
    const before = list[i] ?? null;
    const after = changeEntry(before, step);
    if (!sameJson(before, after)) changed.set(i, after);
  }
  if (changed.size === 0) return list;
  const after = list.map((entry, i) => changed.get(i) ?? (changed.has(i) ? null : entry));
  const primaries = chosen.filter((i) => isPrimary(after[i]));
  const primary = primaries.find((i) => isPrimary(list[i])) ?? primaries[0];
  const one = primary === undefined ? after : withPrimary(after, primary);
  return dropDoubles(
    one.filter((entry) => entry !== null),
    step.attribute,
  );
}

function changeEntry(before: Json, { op, subAttribute, filter, value = null }: PatchStep): Json {
  if (subAttribute) return merge(before, { [subAttribute.name]: op === 'remove' ? null : value });
  if (op === 'remove' || value === null) return null;
  if (!isObject(value)) return value;
  if (saysNothing(value)) return before;
  // What is replaced keeps what it was chosen by, such as its type, unless the value says otherwise.
  return op === 'add'
    ? merge(before, value as JsonObject)
    : withoutNulls({ ...readTerms(filter), ...(value as JsonObject) });
}

/** Where nothing is chosen: an entry that has what the filter asks for, as far as that is a list of equalities. */
function create(list: Json[], step: PatchStep, { filteredPathWithoutMatch }: Leniencies): Json[] {
  const { subAttribute, filter, value = null } = step;
  const terms = readTerms(filter);
  if (filteredPathWithoutMatch === 'noTarget' || terms === null) throw noTarget(step);
  if (value === null || saysNothing(value)) return list;
  const parts = subAttribute ? { [subAttribute.name]: value } : isObject(value) ? (value as JsonObject) : null;
  const entry = parts && withoutNulls({ ...terms, ...parts });
  return entry === null ? list : mergeEntries(list, [entry], step.attribute);
}

/** `type eq "work" and primary eq true` as an object; null for any other filter. */
function readTerms(filter: ResolvedFilter | null): JsonObject | null {
  if (!filter) return {};
  const terms: JsonObject = {};
  for (const term of filter.kind === 'and' ? filter.terms : [filter]) {
    const nested = term.kind === 'and' ? readTerms(term) : null;
    if (nested) Object.assign(terms, nested);
    else if (term.kind !== 'compare' || term.operator !== 'eq' || !term.target.subAttribute) return null;
    else terms[term.target.subAttribute.name] = term.value;
  }
  return terms;
}

function noTarget({ attribute, pointer }: PatchStep): Problem {
  const detail = `meets no value of ${attribute.name}`;
  return new Problem('scim_no_target', `\`${pointer}\` ${detail}.`, { faults: [{ pointer, detail }] });
}

function isPrimary(entry: Json | undefined): boolean {
  return isObject(entry) && entry.primary === true;
}

function put(holder: ScimResource, name: string, value: Json): ScimResource {
  const next: JsonObject = { ...holder };
  if (value === null) delete next[name];
  else next[name] = value;
  return next;
}
