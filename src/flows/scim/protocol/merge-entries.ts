import { sameJson } from '../../../plan/facts.js';
import type { Json } from '../../../plan/statement.js';

type Entry = { [name: string]: Json };

/**
 * Adds entries to a list (RFC 7644, section 3.5.2.1; RFC 7643, section 2.4): no two have the same value and type, a new
 * primary one takes that from the one before. What is said of an entry that is there already is merged into it.
 * Answers the same list where nothing changed; never changes `list` itself.
 */
export function mergeEntries(list: Json[], added: readonly Json[]): Json[] {
  let merged = list;
  let primary = -1;
  const find = added.length > 4 ? indexEntries(list) : null;
  for (const entry of added) {
    const found = find ? (find.get(keyOf(entry)) ?? -1) : findEntry(merged, entry);
    const before = merged[found];
    const after = isEntry(before) && isEntry(entry) ? { ...before, ...entry } : entry;
    if (isEntry(entry) && entry.primary === true) primary = found < 0 ? merged.length : found;
    if (found >= 0 && sameJson(before, after)) continue;
    if (merged === list) merged = [...list];
    if (found >= 0) merged[found] = after;
    else {
      find?.set(keyOf(entry), merged.length);
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

function indexEntries(list: readonly Json[]): Map<string, number> {
  const index = new Map<string, number>();
  list.forEach((entry, i) => {
    const key = keyOf(entry);
    if (!index.has(key)) index.set(key, i);
  });
  return index;
}

/** The list without doubles: of two that are the same the first stays, and is primary if either was. */
export function dropDoubles(list: readonly Json[]): Json[] {
  const kept = new Map<string, Json>();
  for (const entry of list) {
    const key = keyOf(entry);
    const first = kept.get(key);
    if (first === undefined) kept.set(key, entry);
    else if (isEntry(first) && isEntry(entry) && entry.primary === true) kept.set(key, { ...first, primary: true });
  }
  return [...kept.values()];
}

/** Whether an entry of the list is the same as another of them. */
export function hasDouble(list: readonly Json[], entry: Json): boolean {
  const first = findEntry(list, entry);
  return list[first] !== entry || findEntry(list, entry, first + 1) >= 0;
}

/** As by `keyOf`, without the writing of keys: a PATCH can add ten thousand times to a list of a thousand. */
function findEntry(list: readonly Json[], entry: Json, from = 0): number {
  if (!isEntry(entry) || typeof entry.value !== 'string') {
    const key = keyOf(entry);
    return list.findIndex((one, i) => i >= from && keyOf(one) === key);
  }
  const { value } = entry;
  const type = typeOf(entry);
  for (let i = from; i < list.length; i++) {
    const one = list[i] as Entry | null;
    if (one !== null && one.value === value && typeOf(one) === type) return i;
  }
  return -1;
}

function typeOf(entry: Entry): string {
  return typeof entry.type === 'string' ? entry.type.toLowerCase() : '';
}

/** Under what an entry is the same as another: its value and type, or, where it has no value, all but `primary`. */
function keyOf(entry: Json): string {
  if (!isEntry(entry)) return JSON.stringify(entry);
  if (typeof entry.value === 'string') return JSON.stringify([typeOf(entry), entry.value]);
  const parts = Object.keys(entry)
    .filter((name) => name !== 'primary')
    .sort()
    .map((name) => [name, entry[name]]);
  return JSON.stringify([parts]);
}

function isEntry(value: Json | undefined): value is Entry {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
