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
  const places = new Map<string, number>();
  list.forEach((entry, i) => {
    const key = keyOf(entry);
    if (!places.has(key)) places.set(key, i);
  });
  let primary = -1;
  for (const entry of added) {
    const key = keyOf(entry);
    const at = places.get(key);
    const before = at === undefined ? undefined : merged[at];
    const after = isEntry(before) && isEntry(entry) ? { ...before, ...entry } : entry;
    if (isEntry(entry) && entry.primary === true) primary = at ?? merged.length;
    if (at !== undefined && sameJson(before, after)) continue;
    if (merged === list) merged = [...list];
    if (at === undefined) places.set(key, merged.push(after) - 1);
    else merged[at] = after;
  }
  return primary < 0 ? merged : withPrimary(merged, primary);
}

/** The list with `primary` taken from all entries but one; the same list where no other has it. */
export function withPrimary(list: Json[], primary: number): Json[] {
  const isOther = (entry: Json, i: number): entry is Entry => i !== primary && isEntry(entry) && entry.primary === true;
  return list.some(isOther) ? list.map((entry, i) => (isOther(entry, i) ? { ...entry, primary: false } : entry)) : list;
}

/** Under what an entry is the same as another: its value and type, or, where it has no value, all but `primary`. */
function keyOf(entry: Json): string {
  if (!isEntry(entry)) return JSON.stringify(entry);
  const type = typeof entry.type === 'string' ? entry.type.toLowerCase() : '';
  if (typeof entry.value === 'string') return JSON.stringify([type, entry.value]);
  const parts = Object.keys(entry)
    .filter((name) => name !== 'primary')
    .sort()
    .map((name) => [name, entry[name]]);
  return JSON.stringify([parts]);
}

function isEntry(value: Json | undefined): value is Entry {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
