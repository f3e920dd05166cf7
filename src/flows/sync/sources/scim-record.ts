import type { Ceilings } from '../../../plan/ceilings.js';
import { readScimUser } from '../../../plan/scim-user.js';
import type { FieldName, Json } from '../../../plan/statement.js';
import type { ScimJson } from './scim-list.js';

export interface ScimRecordOptions {
  externalId: 'id' | 'externalId' | 'userName';
  ceilings: Ceilings;
}

/** Switches nobody on or off, and names nobody anew, by being left out. */
const KEPT: ReadonlySet<FieldName> = new Set(['active', 'userName', 'emailVerified']);

/**
 * The sync record of a SCIM user. A source shows its users whole: what this one does not have, and the source has shown
 * of others, is stated to be empty. What it never shows is not stated, so that tokens may state it.
 *
 * @param groups of the user; null where the source says nothing of groups
 * @param shown the fields that the source has shown before; those of this user are added
 */
export function toScimRecord(
  user: ScimJson,
  groups: readonly string[] | null,
  shown: Set<FieldName>,
  { externalId, ceilings }: ScimRecordOptions,
): Record<string, unknown> {
  const fields = readScimUser(withFlag(user) as Readonly<Record<string, Json>>, ceilings);
  if (groups !== null && (groups.length > 0 || shown.has('groups'))) fields.groups = [...groups];
  for (const name in fields) if (!KEPT.has(name)) shown.add(name);
  for (const name of shown) fields[name] ??= null;
  const id = user[externalId];
  const record: Record<string, unknown> = id === undefined || id === null ? {} : { externalId: id };
  for (const [field, value] of Object.entries(fields)) {
    const [holder, member] = placeOf(field);
    if (member === null) record[holder] = value;
    else ((record[holder] ??= {}) as Record<string, unknown>)[member] = value;
  }
  return record;
}

function placeOf(field: FieldName): [string, string | null] {
  if (field === 'givenName' || field === 'familyName') return ['name', field];
  return field.startsWith('attributes.') ? ['attributes', field.slice('attributes.'.length)] : [field, null];
}

/** Some servers write flags as texts. */
function withFlag(user: ScimJson): ScimJson {
  const { active } = user;
  if (typeof active !== 'string' || !/^(true|false)$/i.test(active)) return user;
  return { ...user, active: active.toLowerCase() === 'true' };
}
