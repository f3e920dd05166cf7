import { parseTime, MINUTE, type Micros } from '../../platform/clock.js';
import { escapePointer } from '../../platform/json-body.js';
import type { Fault } from '../../platform/problem.js';

export const RECORDS_MAX = 10_000;

/** A push, whichever of its three forms it came in. */
export interface SyncRequest {
  records: readonly unknown[];
  dryRun: boolean;
  atomic: boolean;
  /** For records that do not say it themselves. */
  statedAt: Micros | null;
  connectionId: string | null;
}

const MEMBERS = new Set(['users', 'mode', 'dryRun', 'atomic', 'statedAt', 'connection', 'scope']);

/** Reads the body of `POST /users/sync`: one record, an array of them, or an envelope with `users`. Names every fault. */
export function readSyncRequest(body: unknown, now: Micros): { request: SyncRequest; faults: Fault[] } {
  const faults: Fault[] = [];
  const request = {
    records: [] as readonly unknown[],
    dryRun: false,
    atomic: false,
    statedAt: null,
    connectionId: null,
  };
  if (Array.isArray(body)) return { request: { ...request, records: body }, faults };
  if (typeof body !== 'object' || body === null) {
    faults.push({ pointer: '', detail: 'must be a record, an array of records, or an object with `users`' });
    return { request, faults };
  }
  if (!Object.hasOwn(body, 'users')) return { request: { ...request, records: [body] }, faults };
  return { request: readEnvelope(body as Record<string, unknown>, now, faults), faults };
}

function readEnvelope(body: Record<string, unknown>, now: Micros, faults: Fault[]): SyncRequest {
  const fault = (pointer: string, detail: string) => faults.push({ pointer, detail });
  for (const name of Object.keys(body)) if (!MEMBERS.has(name)) fault(`/${escapePointer(name)}`, 'is not known here');
  const { users, mode, dryRun = false, atomic = false, statedAt = null, connection = null, scope } = body;
  if (!Array.isArray(users)) fault('/users', 'must be an array of records');
  if (mode !== undefined && mode !== 'upsert') fault('/mode', 'must be `upsert`');
  if (scope !== undefined) fault('/scope', 'belongs to snapshots, which are not to be had yet');
  if (typeof dryRun !== 'boolean') fault('/dryRun', 'must be true or false');
  if (typeof atomic !== 'boolean') fault('/atomic', 'must be true or false');
  if (connection !== null && typeof connection !== 'string') fault('/connection', "must be a connection's id");
  const at = typeof statedAt === 'string' ? parseTime(statedAt) : null;
  if (statedAt !== null && at === null) fault('/statedAt', 'must be an RFC 3339 time');
  if (at !== null && at > now + MINUTE) fault('/statedAt', 'is more than a minute ahead');
  return {
    records: Array.isArray(users) ? users : [],
    dryRun: dryRun === true,
    atomic: atomic === true,
    statedAt: at,
    connectionId: typeof connection === 'string' ? connection : null,
  };
}
