import { isUtf8 } from 'node:buffer';

const DEPTH_MAX = 64;
const [QUOTE, BACKSLASH, COMMA, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [34, 92, 44, 123, 125, 91, 93];
const SPACE_MAX = 32;

/** A push cut into its records, of which none is read yet, and what stands around them. */
export interface SplitBody {
  /** The body read with an empty list for the records; null if it was that list alone. */
  envelope: Record<string, unknown> | null;
  /** The bytes of each record, without the space around it. Whether they are JSON is not known yet. */
  records: Buffer[];
}

/**
 * Cuts a push into the texts of its records: most of them are told as unchanged by the digest of their text, and reading
 * them would be most of the work. Null where a plain reading has to say what the body is, or what is wrong with it.
 *
 * If every record is JSON, the whole body is. It holds no name that would reach a prototype, nothing deeper than 64
 * levels and nothing but UTF-8.
 */
export function splitBody(body: Buffer): SplitBody | null {
  if (!isUtf8(body) || mayHoldPrototype(body)) return null;
  const start = findList(body);
  if (start < 0) return null;
  const records: Buffer[] = [];
  const end = cutList(body, start, records);
  if (end < 0) return null;
  const head = body.toString('utf8', 0, start);
  const rest = body.toString('utf8', end);
  const envelope = head.trim() === '' ? null : readEnvelope(head, rest);
  if (envelope === undefined || (envelope === null && rest.trim() !== '')) return null;
  return { envelope, records };
}

/** A text may also spell the name by escapes. */
function mayHoldPrototype(body: Buffer): boolean {
  if (body.includes('__proto__')) return true;
  return body.includes('\\u00') && /\\u00(?:5[fF]|6[0-9a-fA-F]|7[0-9a-fA-F])/.test(body.toString('latin1'));
}

/** Where the list of records begins: at the outermost `[`, or after a first `"users":`. -1 if neither is there. */
function findList(body: Buffer): number {
  const first = skipSpace(body, 0);
  if (body[first] === OPEN_BRACKET) return first;
  if (body[first] !== OPEN_BRACE) return -1;
  const name = body.indexOf('"users"', first);
  const colon = name < 0 ? -1 : skipSpace(body, name + 7);
  if (body[colon] !== 58) return -1;
  const list = skipSpace(body, colon + 1);
  return body[list] === OPEN_BRACKET ? list : -1;
}

/** Reads what stands around the list; undefined where the list is not plainly that of the outermost object's `users`. */
function readEnvelope(head: string, rest: string): Record<string, unknown> | undefined {
  // Nothing opened, nothing escaped and no second `users`: then the name is the outermost object's own, and its only one.
  if (/[[\\]/.test(head) || head.lastIndexOf('{') !== head.indexOf('{') || /users|\\/.test(rest)) return undefined;
  try {
    return JSON.parse(`${head}[]${rest}`) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** Puts the items of the list that begins at `start` into `records`; returns where it is over, -1 if it is no list. */
function cutList(body: Buffer, start: number, records: Buffer[]): number {
  let depth = 1;
  let from = start + 1;
  for (let at = start + 1; at < body.length; at++) {
    const byte = body[at];
    if (byte === QUOTE) {
      for (at++; at < body.length && body[at] !== QUOTE; at++) if (body[at] === BACKSLASH) at++;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      // The list itself may stand in an object.
      if (++depth >= DEPTH_MAX) return -1;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      if (--depth > 0) continue;
      if (byte === CLOSE_BRACE) return -1;
      const last = trim(body, from, at);
      if (last.length > 0) records.push(last);
      return last.length > 0 || records.length === 0 ? at + 1 : -1;
    } else if (byte === COMMA && depth === 1) {
      const record = trim(body, from, at);
      if (record.length === 0) return -1;
      records.push(record);
      from = at + 1;
    }
  }
  return -1;
}

function skipSpace(body: Buffer, from: number): number {
  let at = from;
  while (at < body.length && isSpace(body[at])) at++;
  return at;
}

function trim(body: Buffer, from: number, to: number): Buffer {
  let end = to;
  const start = skipSpace(body, from);
  while (end > start && isSpace(body[end - 1])) end--;
  return body.subarray(start, Math.max(start, end));
}

/** RFC 8259, section 2. */
function isSpace(byte: number | undefined): boolean {
  return byte !== undefined && byte <= SPACE_MAX && (byte === 32 || byte === 10 || byte === 13 || byte === 9);
}
