import type { EntityManager } from 'typeorm';
import type { SqlValue } from '../platform/database.js';
import { placeholders, selectByKeys } from '../platform/sql.js';
import { EVENT_COLUMNS, type EventRow, readSkeleton } from './event-rows.js';
import type { EventSkeleton } from './seal-event.js';

/** Events that wait for their numbers are queued by the parcel: a row for each costs as much as the event's own. */

export const PARCEL_COLUMNS = ['id', 'tenantId', 'eventIds'] as const;
const EVENTS_PER_PARCEL = 50;

export interface Parcel {
  id: string;
  eventIds: readonly string[];
}

/** Rows of `event_queue`, in the order of PARCEL_COLUMNS, for events in the order of their ids. */
export function packEvents(events: readonly { id: string; tenantId: string }[]): SqlValue[][] {
  const rows: SqlValue[][] = [];
  for (const [tenantId, some] of Map.groupBy(events, (event) => event.tenantId)) {
    for (let start = 0; start < some.length; start += EVENTS_PER_PARCEL) {
      const ids = some.slice(start, start + EVENTS_PER_PARCEL).map(({ id }) => id);
      rows.push([ids[0] ?? null, tenantId, JSON.stringify(ids)]);
    }
  }
  return rows;
}

/** The oldest parcels of these tenants, with `eventsMax` events or a few more; all of them where no limit is given. */
export async function readParcels(
  manager: EntityManager,
  tenantIds: readonly string[],
  eventsMax = Infinity,
): Promise<Parcel[]> {
  const limit = eventsMax === Infinity ? '' : `LIMIT ${eventsMax}`;
  const rows: { id: string; eventIds: string }[] = await manager.query(
    `SELECT id, eventIds FROM event_queue WHERE tenantId IN ${placeholders(tenantIds.length)} ORDER BY id ${limit}`,
    [...tenantIds],
  );
  const parcels: Parcel[] = [];
  let events = 0;
  for (const row of rows) {
    if (events >= eventsMax) break;
    const eventIds = JSON.parse(row.eventIds) as string[];
    parcels.push({ id: row.id, eventIds });
    events += eventIds.length;
  }
  return parcels;
}

/** Those of the events that have no number. */
export async function readUnnumbered(manager: EntityManager, eventIds: readonly string[]): Promise<EventSkeleton[]> {
  const rows = await selectByKeys(
    manager,
    (keys) =>
      `SELECT ${EVENT_COLUMNS} FROM events e LEFT JOIN event_order o ON o.eventId = e.id
       WHERE e.id IN ${keys} AND o.eventId IS NULL`,
    [],
    eventIds,
  );
  return rows.map((row) => readSkeleton(row as unknown as EventRow));
}
