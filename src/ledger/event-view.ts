import { formatTime } from '../platform/clock.js';
import type { AuditEventView, EventView } from './event.dto.js';
import type { NumberedRow } from './event-reader.js';

export function toEventView(row: NumberedRow): EventView {
  return {
    number: Number(row.number),
    id: row.id,
    type: row.type,
    at: formatTime(Number(row.at)),
    subject: { type: row.subjectType, id: row.subjectId, version: Number(row.subjectVersion) },
    actor: { type: row.actorType, id: row.actorId },
    via: row.via,
    run: row.runId,
    reason: row.reason,
    fields: JSON.parse(row.fields) as string[],
    hash: row.hash,
  };
}

/** For whoever follows a connection: why an admin did something is not theirs to know. */
export function toFollowerView(row: NumberedRow): EventView {
  return { ...toEventView(row), reason: null };
}

/** With the personal part, which is null where there is none: only for callers with `audit:personal`. */
export function toAuditView(row: NumberedRow): AuditEventView {
  return { ...toEventView(row), personal: row.personal === null ? null : (JSON.parse(row.personal) as unknown) };
}
