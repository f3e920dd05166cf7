import { type EventSkeleton, SKELETON_COLUMNS } from './seal-event.js';

/** The columns of `events` under the name `e`. */
export const EVENT_COLUMNS = SKELETON_COLUMNS.map((column) => `e.${column}`).join(',');

/** A row of `events` as either driver gives it. */
export type EventRow = EventSkeleton;

export function readSkeleton(row: EventRow): EventSkeleton {
  return { ...row, at: Number(row.at), subjectVersion: Number(row.subjectVersion) };
}
