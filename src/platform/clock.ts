import { Injectable } from '@nestjs/common';

/**
 * A moment as whole microseconds since 1970-01-01T00:00:00Z. Fits a JavaScript number exactly until the year 2255,
 * compares with `<`, and is stored alike on every engine (docs/decisions/002-times-and-ids.md).
 */
export type Micros = number;

export const SECOND: Micros = 1_000_000;
export const MINUTE: Micros = 60 * SECOND;
export const HOUR: Micros = 60 * MINUTE;
export const DAY: Micros = 24 * HOUR;

/** The only source of the present moment, so that a test can hold it still. */
@Injectable()
export class Clock {
  now(): Micros {
    return Date.now() * 1000;
  }
}

/** RFC 3339 in UTC: with milliseconds, or microseconds where there are any. */
export function formatTime(at: Micros): string {
  const millis = Math.floor(at / 1000);
  const rest = at - millis * 1000;
  const iso = new Date(millis).toISOString();
  return rest === 0 ? iso : `${iso.slice(0, -1)}${String(rest).padStart(3, '0')}Z`;
}

const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/;

/** Reads an RFC 3339 date-time; digits beyond microseconds are cut. Null when it is not one (30 February is not one). */
export function parseTime(text: string): Micros | null {
  const found = RFC3339.exec(text);
  if (!found) return null;
  const [, year, month, day, hour, minute, second, fraction = '', zone = 'Z'] = found;
  const base = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const asUtc = Date.parse(`${base}Z`);
  if (Number.isNaN(asUtc) || new Date(asUtc).toISOString().slice(0, 19) !== base) return null;
  let offset = 0;
  if (zone !== 'Z' && zone !== 'z') {
    const hours = Number(zone.slice(1, 3));
    const minutes = Number(zone.slice(4, 6));
    if (hours > 23 || minutes > 59) return null;
    offset = (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
  }
  return (asUtc - offset) * 1000 + Number(fraction.slice(0, 6).padEnd(6, '0'));
}
