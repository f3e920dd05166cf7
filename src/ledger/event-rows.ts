import type { Engine } from '../platform/database.js';
import { type EventSkeleton, SKELETON_COLUMNS } from './seal-event.js';

/** The columns of `events` under the name `e`. */
export const EVENT_COLUMNS = SKELETON_COLUMNS.map((column) => `e.${column}`).join(',');

/**
 * Joins in the order in which they are written. Left to itself, an optimizer that believes a queue to be long (it was,
 * a moment ago) starts at the millions of events instead.
 */
export function joinInOrder(engine: Engine): string {
  return engine === 'mysql' ? 'STRAIGHT_JOIN' : 'CROSS JOIN';
}

/** A row of `events` as either driver gives it. */
export type EventRow = EventSkeleton;

export function readSkeleton(row: EventRow): EventSkeleton {
  return { ...row, at: Number(row.at), subjectVersion: Number(row.subjectVersion) };
}
