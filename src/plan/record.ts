import { MINUTE, parseTime, type Micros } from '../platform/clock.js';
import type { Fault } from '../platform/problem.js';
import type { JsonLimits } from '../platform/strict-json.js';
import {
  findDisplayNameFault,
  findEmailFault,
  findNameFault,
  findTextFault,
  findUserNameFault,
  readTextList,
} from './record-text.js';
import type { FieldName, Json } from './statement.js';

export const NAME_CHARS_MAX = 255;
export const LIST_ITEMS_MAX = 1_000;
/** How claims are read, and a record that one of them holds as a text (A5, A10, A11). */
export const CLAIMS_LIMITS: JsonLimits = {
  depthMax: 16,
  itemsPerMemberMax: LIST_ITEMS_MAX,
  unsafeNames: 'drop',
  loneSurrogates: 'refuse',
};
export const ATTRIBUTES_MAX = 200;
export const ATTRIBUTES_BYTES_MAX = 16 * 1024;
export const RECORD_BYTES_MAX = 48 * 1024;

/** Members of every object in this language (A11). */
export const NO_NAMES: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** A sync record, checked and flattened into the fields of a statement. */
export interface SyncRecord {
  /** Null where it has none, or none that is valid: then there is a fault. */
  externalId: string | null;
  fields: Record<FieldName, Json>;
  statedAt: Micros | null;
  /** Everything that is wrong with it; pointers are relative to the record. If there are any, nothing of it counts. */
  faults: Fault[];
}

/**
 * Reads a sync record. Written by hand because a run has thousands of them. A member that is null, like an empty list,
 * states that the field is empty; a member that is not there states nothing (rule 3).
 *
 * @param now what `statedAt` may be ahead of by at most a minute
 */
export function readRecord(input: unknown, now: Micros): SyncRecord {
  const record: SyncRecord = { externalId: null, fields: {}, statedAt: null, faults: [] };
  const { fields, faults } = record;
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    faults.push({ pointer: '', detail: 'must be an object' });
    return record;
  }
  const given = input as Record<string, unknown>;
  for (const name in given) {
    if (!Object.hasOwn(given, name)) continue;
    const value = given[name];
    if (value === undefined) continue;
    switch (name) {
      case 'externalId':
      case 'usercode':
        readId(record, name, value);
        break;
      case 'userName':
        readText(record, name, value, findUserNameFault);
        break;
      case 'displayName':
        readText(record, name, value, findDisplayNameFault);
        break;
      case 'email':
        readText(record, name, value, findEmailFault);
        break;
      case 'emailVerified':
        if (value === null || typeof value === 'boolean') fields.emailVerified = value;
        else faults.push({ pointer: '/emailVerified', detail: 'must be true or false' });
        break;
      case 'active':
        if (typeof value === 'boolean') fields.active = value;
        else faults.push({ pointer: '/active', detail: 'must be true or false' });
        break;
      case 'name':
        readName(record, value);
        break;
      case 'groups':
      case 'roles':
      case 'entitlements': {
        const limits = { itemsMax: LIST_ITEMS_MAX, charsMax: NAME_CHARS_MAX };
        const list = value === null ? [] : readTextList(value, `/${name}`, limits, faults);
        if (list) fields[name] = list;
        break;
      }
      case 'attributes':
        readAttributes(record, value);
        break;
      case 'statedAt':
        readStatedAt(record, value, now);
        break;
      default:
        faults.push({ pointer: `/${pointerPart(name)}`, detail: 'is not a field of a record' });
    }
  }
  if (
    record.externalId === null &&
    !faults.some(({ pointer }) => pointer === '/externalId' || pointer === '/usercode')
  ) {
    faults.push({ pointer: '/externalId', detail: 'is missing' });
  }
  if (faults.length === 0 && isTooLarge(fields)) {
    faults.push({ pointer: '', detail: `is larger than ${RECORD_BYTES_MAX} bytes` });
  }
  return record;
}

function readId(record: SyncRecord, name: 'externalId' | 'usercode', value: unknown): void {
  const fault = typeof value === 'string' ? findNameFault(value, NAME_CHARS_MAX) : 'must be a text';
  if (fault !== null) record.faults.push({ pointer: `/${name}`, detail: fault });
  else if (record.externalId !== null && record.externalId !== value) {
    record.faults.push({ pointer: `/${name}`, detail: '`usercode` is another name of `externalId`, and they differ' });
  } else record.externalId = value as string;
}

function readText(
  record: SyncRecord,
  name: 'userName' | 'displayName' | 'email',
  value: unknown,
  findFault: (text: string, charsMax: number) => string | null,
): void {
  const fault = value === null ? null : typeof value === 'string' ? findFault(value, NAME_CHARS_MAX) : 'must be a text';
  if (fault === null) record.fields[name] = value as string | null;
  else record.faults.push({ pointer: `/${name}`, detail: fault });
}

function readName(record: SyncRecord, value: unknown): void {
  if (value === null) {
    record.fields.givenName = null;
    record.fields.familyName = null;
    return;
  }
  if (typeof value !== 'object' || Array.isArray(value)) {
    record.faults.push({ pointer: '/name', detail: 'must be an object with `givenName` and `familyName`' });
    return;
  }
  for (const [part, text] of Object.entries(value)) {
    const pointer = `/name/${pointerPart(part)}`;
    if (part !== 'givenName' && part !== 'familyName')
      record.faults.push({ pointer, detail: 'is not a part of a name here' });
    else if (text === null) record.fields[part] = null;
    else {
      const fault = typeof text === 'string' ? findTextFault(text, NAME_CHARS_MAX) : 'must be a text';
      if (fault === null) record.fields[part] = text as string;
      else record.faults.push({ pointer, detail: fault });
    }
  }
}

function readAttributes(record: SyncRecord, value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    record.faults.push({ pointer: '/attributes', detail: 'must be an object' });
    return;
  }
  const names = Object.keys(value);
  if (names.length > ATTRIBUTES_MAX) {
    record.faults.push({ pointer: '/attributes', detail: `has more than ${ATTRIBUTES_MAX} members` });
    return;
  }
  const found = record.faults.length;
  for (const name of names) {
    const one = (value as Record<string, unknown>)[name];
    const fault = findNameFault(name, 64) ?? (NO_NAMES.has(name) ? 'cannot be a name' : findJsonFault(one, 0));
    if (fault === null) record.fields[`attributes.${name}`] = one as Json;
    else record.faults.push({ pointer: `/attributes/${pointerPart(name)}`, detail: fault });
  }
  // Measured only when it holds nothing wrong: deep nesting was refused above.
  if (record.faults.length === found && isLonger(value, ATTRIBUTES_BYTES_MAX)) {
    record.faults.push({ pointer: '/attributes', detail: `is larger than ${ATTRIBUTES_BYTES_MAX} bytes` });
  }
}

/** Attributes are JSON values of any form, at most four deep, of texts that can be stored. */
function findJsonFault(value: unknown, depth: number): string | null {
  if (typeof value === 'string') return findLongTextFault(value);
  if (value === null || typeof value === 'boolean') return null;
  if (typeof value === 'number') return Number.isFinite(value) ? null : 'must be a number';
  if (typeof value !== 'object') return 'must be a JSON value';
  if (depth === 4) return 'is nested too deep';
  for (const [name, member] of Object.entries(value)) {
    const fault = findLongTextFault(name) ?? findJsonFault(member, depth + 1);
    if (fault !== null) return fault;
  }
  return null;
}

function findLongTextFault(text: string): string | null {
  if (text.includes('\0')) return 'has a NUL character in it';
  return text.isWellFormed() ? null : 'has half of a surrogate pair in it';
}

function readStatedAt(record: SyncRecord, value: unknown, now: Micros): void {
  const at = typeof value === 'string' ? parseTime(value) : null;
  if (at === null)
    record.faults.push({ pointer: '/statedAt', detail: 'must be a time such as 2026-11-21T10:00:00Z (RFC 3339)' });
  else if (at > now + MINUTE) record.faults.push({ pointer: '/statedAt', detail: 'lies more than a minute ahead' });
  else record.statedAt = at;
}

/** Sums up lengths first, and writes JSON only where that cannot decide. */
function isTooLarge(fields: Record<FieldName, Json>): boolean {
  let chars = 0;
  for (const name in fields) {
    const value = fields[name];
    if (typeof value === 'string') chars += value.length + 50;
    else if (Array.isArray(value))
      for (const item of value) chars += typeof item === 'string' ? item.length + 3 : RECORD_BYTES_MAX;
    else chars += typeof value === 'object' && value !== null ? RECORD_BYTES_MAX : 50;
  }
  return chars * 6 > RECORD_BYTES_MAX && isLonger(fields, RECORD_BYTES_MAX);
}

function isLonger(value: unknown, bytesMax: number): boolean {
  const text = JSON.stringify(value);
  return text.length > bytesMax || (text.length * 3 > bytesMax && Buffer.byteLength(text) > bytesMax);
}

function pointerPart(name: string): string {
  return name.slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1');
}
