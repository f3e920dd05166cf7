import { readPointer } from '../../../platform/json-pointer.js';

/** Hundreds of fields may go through a list of thousands each. */
const ITEMS_MAX = 20_000;
const LISTS: ReadonlySet<string> = new Set(['groups', 'roles', 'entitlements']);

/**
 * The sync record that an item says, by the JSON pointer of each field. What an item does not have is not stated. Numbers
 * become texts where texts are called for: many directories number their people. Null where its fields lead through more
 * items of lists than any record has.
 *
 * @param fields names of a sync record's fields, `name.givenName` and `attributes.department` among them
 */
export function mapItem(item: unknown, fields: Readonly<Record<string, string>>): Record<string, unknown> | null {
  const record: Record<string, unknown> = {};
  const allowance = { items: ITEMS_MAX };
  for (const [field, pointer] of Object.entries(fields)) {
    const value = readPointer(item, pointer, allowance);
    if (allowance.items < 0) return null;
    if (value === undefined) continue;
    const dot = field.indexOf('.');
    if (dot < 0) record[field] = toFieldValue(field, value);
    else {
      const [parent, member] = [field.slice(0, dot), field.slice(dot + 1)];
      const holder = (record[parent] ??= {}) as Record<string, unknown>;
      holder[member] = parent === 'name' ? toText(value) : value;
    }
  }
  return record;
}

function toFieldValue(field: string, value: unknown): unknown {
  if (LISTS.has(field)) {
    if (value === null) return null;
    return (Array.isArray(value) ? value : [value]).map(toText);
  }
  return field === 'active' || field === 'emailVerified' ? toFlag(value) : toText(value);
}

function toText(value: unknown): unknown {
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : value;
}

/** What cannot be a flag stays as it is, and is refused with its record. */
function toFlag(value: unknown): unknown {
  const text = typeof value === 'string' ? value.toLowerCase() : value;
  if (text === 'true' || text === 1) return true;
  if (text === 'false' || text === 0) return false;
  return value;
}
