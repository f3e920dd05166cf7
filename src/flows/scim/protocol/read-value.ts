import { LIST_ITEMS_MAX, NO_NAMES } from '../../../plan/record.js';
import type { Json } from '../../../plan/statement.js';
import { parseTime } from '../../../platform/clock.js';
import { type BodyFaults, pointTo } from './body-faults.js';
import { findSubAttribute } from './find-attribute.js';
import type { Leniencies } from './leniencies.js';
import { mergeEntries } from './merge-entries.js';
import type { AttributeDefinition } from './schema.js';
import { findTextRuleFault } from './text-rules.js';

export type JsonObject = { [name: string]: Json };

/** How values are read. */
export interface ValueReader {
  leniencies: Leniencies;
  faults: BodyFaults;
  /** In a PATCH a lone object may stand for a list of one (RFC 7644, section 3.5.2.1). */
  patch: boolean;
}

/** Which attribute a value is for, and where it stands in the body. */
export interface ValuePlace {
  /** In canonical case, without a URN: `name`, `name.givenName`. */
  path: string;
  pointer: string;
}

/**
 * Reads an attribute's value as its schema has it; null where it is unassigned, which null and the empty list mean too
 * (RFC 7643, section 2.5). In a PATCH, a value of which nothing is understood (`{}`, unknown or readOnly parts alone) is
 * not unassigned: it is an empty object or, of a list, an empty list. What is wrong goes to the reader's faults, and the
 * value is null then.
 */
export function readValue(
  attribute: AttributeDefinition,
  input: unknown,
  place: ValuePlace,
  reader: ValueReader,
): Json {
  if (input === null || input === undefined) return null;
  if (!attribute.multiValued) return readSingle(attribute, input, place, reader);
  const items = listOf(attribute, input, reader);
  if (items === null) {
    reader.faults.addValue(place.pointer, 'must be a list');
    return null;
  }
  if (items.length > LIST_ITEMS_MAX && place.path !== 'members') {
    reader.faults.addValue(place.pointer, `has more than ${LIST_ITEMS_MAX} entries`);
    return null;
  }
  const entries: Json[] = [];
  let isUnassigned = items.length === 0;
  items.forEach((item, i) => {
    const pointer = Array.isArray(input) ? pointTo(place.pointer, i) : place.pointer;
    const read = item === null ? null : readOne(attribute, item, { path: place.path, pointer }, reader);
    const value = withoutNulls(read);
    if (value !== null) entries.push(value);
    else if (!saysNothing(read)) isUnassigned = true;
  });
  keepOnePrimary(entries, place.pointer, reader);
  const merged = mergeEntries([], entries, attribute);
  return merged.length === 0 && isUnassigned ? null : merged;
}

/** Whether nothing of a complex value was understood: then a PATCH leaves what is there as it is. */
export function saysNothing(value: Json | undefined): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/**
 * Reads one value: of an attribute that has no more, or one entry of a list. In a PATCH the parts of a complex value that
 * are null stay, as null: they are to be unassigned.
 */
export function readSingle(
  attribute: AttributeDefinition,
  input: unknown,
  place: ValuePlace,
  reader: ValueReader,
): Json {
  if (!Array.isArray(input)) return readOne(attribute, input, place, reader);
  if (input.length === 0) return null;
  const { singletonArrays, managerForms } = reader.leniencies;
  if (input.length === 1 && (singletonArrays || (managerForms && place.path === 'manager'))) {
    return input[0] === null
      ? null
      : readOne(attribute, input[0], { ...place, pointer: pointTo(place.pointer, 0) }, reader);
  }
  reader.faults.addValue(place.pointer, 'must be a single value');
  return null;
}

function listOf(attribute: AttributeDefinition, input: unknown, { leniencies, patch }: ValueReader): unknown[] | null {
  if (Array.isArray(input)) return input;
  if (typeof input === 'object') return patch || leniencies.singletonArrays ? [input] : null;
  if (input === '' && leniencies.emptyTexts === 'unassign') return [];
  if (attribute.type === 'complex') return leniencies.bareValues ? [input] : null;
  return patch || leniencies.singletonArrays ? [input] : null;
}

function readOne(attribute: AttributeDefinition, input: unknown, place: ValuePlace, reader: ValueReader): Json {
  if (attribute.type === 'complex') return readComplex(attribute, input, place, reader);
  const value = reader.leniencies.singletonArrays ? unwrap(input) : input;
  return value === null ? null : readSimple(attribute, value, place, reader);
}

/** Old applications of Entra ID send `[{"$ref": null, "value": "x"}]` for `"x"`. */
function unwrap(input: unknown): unknown {
  if (typeof input !== 'object' || input === null || !('value' in input)) return input;
  return Object.keys(input).every((name) => name === 'value' || name === '$ref') ? input.value : input;
}

function readComplex(attribute: AttributeDefinition, input: unknown, place: ValuePlace, reader: ValueReader): Json {
  const given = typeof input === 'object' ? input : objectOf(attribute, input, place, reader.leniencies);
  if (given === null) return null;
  if (given === undefined || Array.isArray(given)) {
    reader.faults.addValue(place.pointer, 'must be an object');
    return null;
  }
  const value: JsonObject = {};
  const seen = new Set<string>();
  for (const [name, part] of Object.entries(given)) {
    const pointer = pointTo(place.pointer, name);
    const sub = NO_NAMES.has(name) ? null : findSubAttribute(attribute, renamed(place.path, name, reader.leniencies));
    if (!sub) {
      addUnknown(name, pointer, reader);
      continue;
    }
    if (seen.has(sub.name)) reader.faults.addSyntax(pointer, 'is there twice, in different case');
    seen.add(sub.name);
    if (!isKept(sub, place.path, reader.leniencies)) continue;
    const read = readValue(sub, part, { path: `${place.path}.${sub.name}`, pointer }, reader);
    if (read !== null || reader.patch) value[sub.name] = read;
  }
  return Object.keys(value).length === 0 && !reader.patch ? null : value;
}

/** A complex value with its unassigned parts left out; null where nothing is left. */
export function withoutNulls(value: Json): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const names = Object.keys(value);
  const kept = names.filter((name) => value[name] !== null);
  if (kept.length === 0) return null;
  return kept.length === names.length ? value : Object.fromEntries(kept.map((name) => [name, value[name] ?? null]));
}

/** Names an attribute that no schema has, unless such are ignored. Those that every object is born with are refused. */
export function addUnknown(name: string, pointer: string, { leniencies, faults }: ValueReader): void {
  if (NO_NAMES.has(name)) faults.addSyntax(pointer, 'cannot be a name');
  else if (leniencies.unknownAttributes === 'refuse') faults.addSyntax(pointer, 'is not an attribute of this resource');
}

/** Entra ID calls a member's `display` `displayName`. */
function renamed(path: string, name: string, { memberDisplay }: Leniencies): string {
  return path === 'members' && memberDisplay && name.toLowerCase() === 'displayname' ? 'display' : name;
}

function isKept(sub: AttributeDefinition, path: string, { memberDisplay }: Leniencies): boolean {
  if (sub.mutability === 'readOnly') return path === 'members' && memberDisplay && sub.name === 'display';
  return sub.mutability !== 'writeOnly';
}

/** The object that a bare value stands for; null for unassigned, undefined where it stands for none. */
function objectOf(
  attribute: AttributeDefinition,
  input: unknown,
  place: ValuePlace,
  leniencies: Leniencies,
): object | null | undefined {
  const byForm = place.path === 'manager' && leniencies.managerForms;
  if (input === '' && (byForm || leniencies.emptyTexts === 'unassign')) return null;
  if (!byForm && !leniencies.bareValues) return undefined;
  return attribute.subAttributes?.some(({ name }) => name === 'value') ? { value: input } : undefined;
}

function readSimple(attribute: AttributeDefinition, input: unknown, place: ValuePlace, reader: ValueReader): Json {
  const { leniencies, faults } = reader;
  if (input === '' && leniencies.emptyTexts === 'unassign') return null;
  switch (attribute.type) {
    case 'boolean': {
      if (typeof input === 'boolean') return input;
      const text = typeof input === 'string' && leniencies.stringBooleans ? input.trim().toLowerCase() : '';
      if (text === 'true' || text === 'false') return text === 'true';
      faults.addValue(place.pointer, 'must be true or false');
      return null;
    }
    case 'integer':
    case 'decimal':
      if (typeof input === 'number' && (attribute.type === 'decimal' || Number.isSafeInteger(input))) return input;
      faults.addValue(place.pointer, attribute.type === 'decimal' ? 'must be a number' : 'must be a whole number');
      return null;
    default:
      return readText(attribute, input, place, reader);
  }
}

const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

function readText(
  attribute: AttributeDefinition,
  input: unknown,
  place: ValuePlace,
  reader: ValueReader,
): string | null {
  const text = typeof input === 'number' && reader.leniencies.numbersAsTexts ? String(input) : input;
  const fault = typeof text === 'string' ? findFault(attribute, text, place.path) : 'must be a text';
  if (fault === null) return text as string;
  reader.faults.addValue(place.pointer, fault);
  return null;
}

function findFault(attribute: AttributeDefinition, text: string, path: string): string | null {
  if (attribute.type === 'dateTime' && parseTime(text) === null) return 'must be a time such as 2026-11-21T10:00:00Z';
  if (attribute.type === 'binary' && !BASE64.test(text)) return 'must be base64';
  if (attribute.type === 'reference' && /[\s\p{Cc}]/u.test(text)) return 'must be a URI';
  return findTextRuleFault(path, text);
}

/** At most one entry of a list is the primary one (RFC 7643, section 2.4). */
function keepOnePrimary(entries: Json[], pointer: string, { leniencies, faults }: ValueReader): void {
  let found = false;
  entries.forEach((entry, i) => {
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry) || entry.primary !== true) return;
    if (!found) found = true;
    else if (leniencies.severalPrimaries === 'keepFirst') entries[i] = { ...entry, primary: false };
    else faults.addValue(pointer, 'has more than one primary value');
  });
}
