import { createHash } from 'node:crypto';
import { type Micros, SECOND } from '../../../platform/clock.js';
import { Problem } from '../../../platform/problem.js';

/** Seconds for which a cursor is good, from when it was given out. */
export const CURSOR_TIMEOUT_SECONDS = 3600;

/** The longest cursor that is looked at; a position holds at most a sort key and an id. */
const CURSOR_CHARS_MAX = 8192;
const FORM = /^[\w-]+$/;
const SEAL_BYTES = 16;

/**
 * Writes a cursor (RFC 9865): URL-safe, opaque, good for one query in one directory and for `CURSOR_TIMEOUT_SECONDS`.
 * It is not signed: who makes one up reads their own list from another place, which `startIndex` lets them do anyway.
 *
 * @param scope what the cursor belongs to: directory, address, filter, order (`cursorScope`)
 * @param position where the next page begins; any text
 */
export function writeCursor(scope: string, position: string, now: Micros): string {
  const body = JSON.stringify([now + CURSOR_TIMEOUT_SECONDS * SECOND, position]);
  return Buffer.concat([sealOf(scope, body), Buffer.from(body, 'utf8')]).toString('base64url');
}

/**
 * The position in a cursor, to be read with the same care as any input. Throws `scim_invalid_cursor` for what this query did not give out, and
 * `scim_expired_cursor`.
 */
export function readCursor(scope: string, cursor: string, now: Micros): string {
  if (cursor.length > CURSOR_CHARS_MAX || !FORM.test(cursor)) throw invalid();
  const bytes = Buffer.from(cursor, 'base64url');
  const body = bytes.subarray(SEAL_BYTES).toString('utf8');
  if (bytes.toString('base64url') !== cursor || !sealOf(scope, body).equals(bytes.subarray(0, SEAL_BYTES))) {
    throw invalid();
  }
  const [until, position] = parseBody(body);
  if (now > until) {
    throw new Problem('scim_expired_cursor', `a cursor is good for ${CURSOR_TIMEOUT_SECONDS} seconds: begin again`);
  }
  return position;
}

/** Of everything that makes a list what it is: another filter or order is another list. */
export function cursorScope(parts: readonly (string | null)[]): string {
  return JSON.stringify(parts);
}

/** The seal is no secret: what it covers may still have been made up. */
function parseBody(body: string): [Micros, string] {
  let parts: unknown;
  try {
    parts = JSON.parse(body);
  } catch {
    throw invalid();
  }
  const [until, position] = Array.isArray(parts) ? (parts as unknown[]) : [];
  if (typeof until !== 'number' || typeof position !== 'string') throw invalid();
  return [until, position];
}

function sealOf(scope: string, body: string): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([scope, body]))
    .digest()
    .subarray(0, SEAL_BYTES);
}

function invalid(): Problem {
  return new Problem('scim_invalid_cursor', 'the cursor was not given out by this query; an empty one begins it');
}
