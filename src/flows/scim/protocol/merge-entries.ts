import { sameJson } from '../../../plan/facts.js';
import type { Json } from '../../../plan/statement.js';
import { normaliseKey } from '../../../platform/text-key.js';
import type { AttributeDefinition } from './schema.js';

type Entry = { [name: string]: Json };

/**
 * Adds entries to a list (RFC 7644, section 3.5.2.1; RFC 7643, section 2.4): no two have the same value and type, a new
 * primary one takes that from the one before. What is said of an entry that is there already is merged into it, also
 * its value in another case.
 * Answers the same list where nothing changed; never changes `list` itself.
 */
export function mergeEntries(list: Json[], added: readonly Json[], attribute: AttributeDefinition): Json[] {
  let merged = list;
  let primary = -1;
  const keyOf = keyIn(attribute);
  const places = indexEntries(list, keyOf);
  for (const entry of added) {
    const key = keyOf(entry);
    const found = places.get(key) ?? -1;
    const before = merged[found];
    const after = isEntry(before) && isEntry(entry) ? { ...before, ...entry } : entry;
    if (isEntry(entry) && entry.primary === true) primary = found < 0 ? merged.length : found;
    if (found >= 0 && sameJson(before, after)) continue;
    if (merged === list) merged = [...list];
    if (found >= 0) merged[found] = after;
    else {
      places.set(key, merged.length);
      merged.push(after);
    }
  }
  return primary < 0 ? merged : withPrimary(merged, primary);
}

/** The list with `primary` taken from all entries but one; the same list where no other has it. */
export function withPrimary(list: Json[], primary: number): Json[] {
  const isOther = (entry: Json, i: number): entry is Entry => i !== primary && isEntry(entry) && entry.primary === true;
  return list.some(isOther) ? list.map((entry, i) => (isOther(entry, i) ? { ...entry, primary: false } : entry)) : list;
}

function indexEntries(list: readonly Json[], keyOf: KeyOf): Map<string, number> {
  const index = new Map<string, number>();
  list.forEach((entry, i) => {
    const key = keyOf(entry);
    if (!index.has(key)) index.set(key, i);
  });
  return index;
}

/**
 * The list without doubles: of two that are the same the first stays, and is primary if either was. The same list where
 * there are none.
 */
export function dropDoubles(list: Json[], attribute: AttributeDefinition): Json[] {
  const keyOf = keyIn(attribute);
  const kept = new Map<string, Json>();
  for (const entry of list) {
    const key = keyOf(entry);
    const first = kept.get(key);
    if (first === undefined) kept.set(key, entry);
    else if (isEntry(first) && isEntry(entry) && entry.primary === true) kept.set(key, { ...first, primary: true });
  }
  return kept.size === list.length ? list : [...kept.values()];
}

/**
 * The list without those that are named: by their value, and by their type where one is named; one without a value by
 * all that is said of it. The same list where nobody is meant.
 */
export function removeEntries(list: Json[], named: readonly Json[], attribute: AttributeDefinition): Json[] {
  const keyOf = keyIn(attribute);
  const keys = new Set(named.filter(hasValue).map(keyOf));
  const others = named.filter((entry) => !hasValue(entry));
  const isNamed = (entry: Json): boolean => {
    const isKnown = hasValue(entry) && (keys.has(keyOf(entry)) || keys.has(keyOf({ value: entry.value })));
    return isKnown || others.some((other) => isMeant(entry, other));
  };
  const kept = list.filter((entry) => !isNamed(entry));
  return kept.length === list.length ? list : kept;
}

/** How many of those that are named have no value: each of them is held against every entry of a list. */
export function countWithoutValue(named: readonly Json[]): number {
  return named.filter((entry) => !hasValue(entry)).length;
}

function isMeant(entry: Json, named: Json): boolean {
  if (!isEntry(entry) || !isEntry(named)) return sameJson(entry, named);
  return Object.keys(named).every((name) => named[name] === undefined || sameJson(entry[name], named[name]));
}

function typeOf(entry: Entry): string {
  return typeof entry.type === 'string' ? entry.type.toLowerCase() : '';
}

type KeyOf = (entry: Json) => string;

/**
 * Under what an entry is the same as another: its type and its value, in which case counts where the schema says so; or,
 * where it has no value, all but `primary`. Written by hand, because a PATCH asks for hundreds of thousands; no text of
 * a resource has a NUL in it.
 */
function keyIn({ subAttributes }: AttributeDefinition): KeyOf {
  const caseExact = subAttributes?.find(({ name }) => name === 'value')?.caseExact ?? true;
  return (entry) => {
    if (hasValue(entry)) return `${typeOf(entry)}\0${caseExact ? entry.value : normaliseKey(entry.value)}`;
    if (!isEntry(entry)) return JSON.stringify(entry);
    let key = '';
    for (const name of Object.keys(entry).sort()) {
      const part = entry[name];
      if (name !== 'primary') key += `\0${name}\0${typeof part === 'string' ? part : JSON.stringify(part)}`;
    }
    return key;
  };
}

function hasValue(entry: Json): entry is Entry & { value: string } {
  return isEntry(entry) && typeof entry.value === 'string';
}

function isEntry(value: Json | undefined): value is Entry {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
