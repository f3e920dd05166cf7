import { parseTime, MINUTE, type Micros } from '../../platform/clock.js';
import { escapePointer, parseJsonBody } from '../../platform/json-body.js';
import { findNameFault } from '../../plan/record-text.js';
import type { Fault } from '../../platform/problem.js';
import { SNAPSHOT_AGE_MAX } from '../../records/sync-runs/seen-names.js';
import { splitBody } from './split-body.js';

export const RECORDS_MAX = 10_000;

/** A record as it came. */
export interface SentRecord {
  /** Its bytes, by which an unchanged one is told; null where they could not be cut out of the body. */
  text: Buffer | null;
  /** What the bytes say; undefined while they are not read, and not known to be JSON. */
  input: unknown;
  /** A line of a stream: what is wrong with it concerns it alone. `tooLong`: it was not even kept. */
  line?: 'kept' | 'tooLong';
}

/** A push, whichever of its forms it came in. */
export interface SyncRequest {
  records: readonly SentRecord[];
  dryRun: boolean;
  atomic: boolean;
  /** For records that do not say it themselves. */
  statedAt: Micros | null;
  connectionId: string | null;
  /** Who is missing: `upsert` says nobody, `snapshot` whoever its scope has and it does not name. */
  mode: 'upsert' | 'snapshot';
  /** The part of the connection that it speaks for; '' the whole. */
  scope: string;
  /** It says how people are at another Rollcall, each in the version of their `statedAt`. */
  isCopy?: boolean;
}

const SCOPE_CHARS_MAX = 64;
const PLAIN = { dryRun: false, atomic: false, statedAt: null, connectionId: null, mode: 'upsert', scope: '' } as const;
const MEMBERS = new Set(['users', 'mode', 'dryRun', 'atomic', 'statedAt', 'connection', 'scope']);

/**
 * Reads the body of `POST /users/sync`, but for the records themselves: one, an array of them, or an envelope with
 * `users`. Names every fault. Throws `invalid_json`, or `invalid_request` for names that would reach a prototype.
 */
export function readSyncRequest(body: Buffer, now: Micros): { request: SyncRequest; faults: Fault[] } {
  const faults: Fault[] = [];
  const split = splitBody(body);
  if (split) {
    const records = split.records.map((text) => ({ text, input: undefined }));
    return { request: { ...(split.envelope ? readEnvelope(split.envelope, now, faults) : PLAIN), records }, faults };
  }
  const value = parseJsonBody(body, true);
  if (Array.isArray(value)) return { request: { ...PLAIN, records: value.map(asRead) }, faults };
  if (typeof value !== 'object' || value === null) {
    faults.push({ pointer: '', detail: 'must be a record, an array of records, or an object with `users`' });
    return { request: { ...PLAIN, records: [] }, faults };
  }
  if (!Object.hasOwn(value, 'users')) return { request: { ...PLAIN, records: [{ text: body, input: value }] }, faults };
  return { request: readEnvelope(value as Record<string, unknown>, now, faults), faults };
}

export function readEnvelope(body: Record<string, unknown>, now: Micros, faults: Fault[]): SyncRequest {
  const fault = (pointer: string, detail: string) => faults.push({ pointer, detail });
  for (const name of Object.keys(body)) if (!MEMBERS.has(name)) fault(`/${escapePointer(name)}`, 'is not known here');
  const { users, mode = 'upsert', dryRun = false, atomic = false, statedAt = null, connection = null } = body;
  const scope = readScope(body.scope, fault);
  if (!Array.isArray(users)) fault('/users', 'must be an array of records');
  if (mode !== 'upsert' && mode !== 'snapshot') fault('/mode', 'must be `upsert` or `snapshot`');
  if (typeof dryRun !== 'boolean') fault('/dryRun', 'must be true or false');
  if (typeof atomic !== 'boolean') fault('/atomic', 'must be true or false');
  if (atomic === true && mode === 'snapshot') {
    fault('/atomic', 'is not for a snapshot: what that takes away is decided on when all of it is there');
  }
  if (connection !== null && typeof connection !== 'string') fault('/connection', "must be a connection's id");
  const at = typeof statedAt === 'string' ? parseTime(statedAt) : null;
  if (statedAt !== null && at === null) fault('/statedAt', 'must be an RFC 3339 time');
  if (at !== null && at > now + MINUTE) fault('/statedAt', 'is more than a minute ahead');
  if (at !== null && mode === 'snapshot' && at < now - SNAPSHOT_AGE_MAX) {
    fault('/statedAt', 'is more than seven days ago: whom pushes have named since is not known that long');
  }
  return {
    records: Array.isArray(users) ? users.map(asRead) : [],
    dryRun: dryRun === true,
    atomic: atomic === true,
    statedAt: at,
    connectionId: typeof connection === 'string' ? connection : null,
    mode: mode === 'snapshot' ? 'snapshot' : 'upsert',
    scope,
  };
}

/** Of a snapshot: the moment whose truth it is, which no list is ahead of; null: it is none. */
export function truthTime({ mode, statedAt }: Pick<SyncRequest, 'mode' | 'statedAt'>, now: Micros): Micros | null {
  return mode === 'snapshot' ? Math.min(statedAt ?? now, now) : null;
}

function readScope(scope: unknown, fault: (pointer: string, detail: string) => void): string {
  if (scope === undefined || scope === null) return '';
  const wrong = typeof scope === 'string' ? findNameFault(scope, SCOPE_CHARS_MAX) : 'must be a text';
  if (wrong !== null) fault('/scope', wrong);
  return typeof scope === 'string' ? scope : '';
}

function asRead(input: unknown): SentRecord {
  return { text: null, input };
}
