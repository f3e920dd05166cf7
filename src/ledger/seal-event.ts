import { hash } from 'node:crypto';

/** What an event's seal covers: every column of its row. What tells of a person is in it as a salted digest alone. */
export interface EventSkeleton {
  id: string;
  tenantId: string;
  type: string;
  /** Micros. */
  at: number;
  subjectType: string;
  subjectId: string;
  subjectVersion: number;
  actorType: string;
  actorId: string;
  via: string;
  runId: string | null;
  reason: string | null;
  /** The JSON text as it is stored. */
  fields: string;
  personalDigest: string | null;
}

/** The columns of a skeleton in the order in which the seal reads them. Never reordered: seals are for ever. */
export const SKELETON_COLUMNS = [
  'id',
  'tenantId',
  'type',
  'at',
  'subjectType',
  'subjectId',
  'subjectVersion',
  'actorType',
  'actorId',
  'via',
  'runId',
  'reason',
  'fields',
  'personalDigest',
] as const satisfies readonly (keyof EventSkeleton)[];

const FORMAT = 'rollcall-event-1';

/** What stands where the hash of the event before the first would. */
export const GENESIS = '';

/**
 * The seal of the event that has this number in its tenant: SHA-256, base64url, over the seal of the number before,
 * the number and the skeleton. The input is one JSON array of strings, whole numbers and nulls, so that no two
 * skeletons read alike.
 */
export function sealEvent(previousHash: string, number: number, event: EventSkeleton): string {
  const parts: (string | number | null)[] = [FORMAT, previousHash, number];
  for (const column of SKELETON_COLUMNS) parts.push(event[column]);
  return hash('sha256', JSON.stringify(parts), 'base64url');
}

type Placed = Pick<EventSkeleton, 'id' | 'tenantId' | 'subjectType' | 'subjectId' | 'subjectVersion'>;

/**
 * The order in which events get their numbers: by id, which is by time, but a subject's own events by its version.
 * Clocks of two instances differ, row versions do not: a subject's events keep the places that they have together,
 * and stand in them by version. Attempts, which have version 0, stay where they are.
 */
export function orderEvents<T extends Placed>(events: readonly T[]): T[] {
  const ordered = [...events].sort((a, b) => compare(a.id, b.id));
  const places = new Map<string, number[]>();
  ordered.forEach((event, index) => {
    if (event.subjectVersion === 0) return;
    const key = `${event.tenantId} ${event.subjectType} ${event.subjectId}`;
    const mine = places.get(key);
    if (mine) mine.push(index);
    else places.set(key, [index]);
  });
  for (const mine of places.values()) {
    if (mine.length === 1) continue;
    const own = mine.map((index) => ordered[index] as T);
    own.sort((a, b) => a.subjectVersion - b.subjectVersion || compare(a.id, b.id));
    mine.forEach((index, rank) => (ordered[index] = own[rank] as T));
  }
  return ordered;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
