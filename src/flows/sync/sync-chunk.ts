import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import { NAME_CHARS_MAX, readRecord } from '../../plan/record.js';
import { findNameFault } from '../../plan/record-text.js';
import type { Statement } from '../../plan/statement.js';
import { breathe } from '../../platform/breathe.js';
import type { Micros } from '../../platform/clock.js';
import { type JsonLimits, parseStrictJson } from '../../platform/strict-json.js';
import type { SentRecord, SyncRequest } from './sync-request.js';
import { failed, type RecordResult } from './sync-result.js';

/** A record of a push on its way: what it is called, and a digest by which an unchanged one is told. */
export interface IncomingRecord {
  index: number;
  sent: SentRecord;
  /** What it seems to be called, before it is read. */
  externalId: string | null;
  /** Of its text; null: it is not to be told by that. */
  digest: string | null;
  /** The first record of the same person in this push. */
  duplicateOf: number | null;
  /** The push has several records of this person: each has to be planned after the one before. */
  repeated: boolean;
  /** Of one that was read: it is said of the moment in which it is written. */
  isNow?: boolean;
  /** Of one that was refused as it was read: whom it may have meant; null where nobody can say. */
  meant?: readonly string[] | null;
}

/** What is stored of the identity that a record names. */
export interface StoredPush {
  userId: string;
  pushHash: string | null;
  mappingVersion: number;
}

/** The text of a record is not JSON. */
export class MalformedRecord extends Error {}

/** A line of a stream cannot be read; it fails alone. The message says why, for its sender. */
class RefusedLine extends Error {}

export const LINE_BYTES_MAX = 64 * 1024;
const LINE_LIMITS: JsonLimits = {
  depthMax: 16,
  itemsPerMemberMax: 10_000,
  unsafeNames: 'refuse',
  loneSurrogates: 'keep',
};

/** Named in a row: about a millisecond. */
const NAMED_IN_A_ROW = 1000;

/** Names and digests the records of a whole push, so that each person's records are known before the first is written. */
export async function nameRecords(
  records: readonly SentRecord[],
  { statedAt, scope }: { statedAt: Micros | null; scope: string },
): Promise<IncomingRecord[]> {
  const first = new Map<string, IncomingRecord>();
  const named: IncomingRecord[] = [];
  // The same words said later are a newer statement, and said for another scope take the person over into that.
  const prefix = statedAt === null && scope === '' ? null : Buffer.from(`${statedAt ?? ''} ${scope}\n`);
  for (const sent of records) {
    const index = named.length;
    if (index > 0 && index % NAMED_IN_A_ROW === 0) await breathe();
    const externalId = (sent.text && peekExternalId(sent.text)) ?? externalIdOf(sent);
    const digest = sent.text && digestText(prefix ? Buffer.concat([prefix, sent.text]) : sent.text);
    const record: IncomingRecord = { index, sent, externalId, digest, duplicateOf: null, repeated: false };
    named.push(record);
    if (externalId === null) continue;
    const earlier = first.get(externalId);
    if (earlier) {
      earlier.repeated = record.repeated = true;
      record.duplicateOf = earlier.index;
    } else first.set(externalId, record);
  }
  return named;
}

function digestText(text: Buffer): string {
  return hash('sha256', text, 'base64url');
}

/** What the record says. Throws MalformedRecord, or RefusedLine for a line of a stream. */
function readInput(sent: SentRecord): unknown {
  if (sent.line === 'tooLong') throw new RefusedLine(`The line is longer than ${LINE_BYTES_MAX} bytes.`);
  if (sent.input !== undefined || sent.text === null) return sent.input;
  if (sent.line !== undefined) return (sent.input = readLine(sent.text));
  try {
    return (sent.input = JSON.parse(sent.text.toString()));
  } catch (error) {
    throw new MalformedRecord(undefined, { cause: error });
  }
}

const OPENING = '{"externalId":"';

/** The `externalId` of a text that begins with it, as most do; null where only a reading can tell. */
function peekExternalId(text: Buffer): string | null {
  if (text.toString('latin1', 0, OPENING.length) !== OPENING) return null;
  const end = text.indexOf('"', OPENING.length);
  const name = end < 0 ? '\\' : text.toString('utf8', OPENING.length, end);
  return name.includes('\\') ? null : name;
}

/** Each line stands for itself: it has one meaning for every reader (RFC 7493), or is refused. */
function readLine(text: Buffer): unknown {
  const read = parseStrictJson(text, LINE_LIMITS);
  if (!read.ok) throw new RefusedLine(read.detail);
  return read.value;
}

/** Whom a refused record may have meant: nobody of them is missing. Null where nobody can say. */
export function findMeant({ sent, externalId }: IncomingRecord): readonly string[] | null {
  if (sent.line === 'tooLong') return null;
  // A name in another encoding is somebody's, and not the one that it looks like here.
  if (sent.text !== null && !isUtf8(sent.text)) return null;
  let input = sent.input;
  try {
    input ??= sent.text === null ? null : (JSON.parse(sent.text.toString()) as unknown);
  } catch {
    return null;
  }
  if (typeof input !== 'object' || input === null) return null;
  const own = input as { externalId?: unknown; usercode?: unknown };
  const ids = new Set([externalId, own.externalId, own.usercode].filter((id) => id !== null && id !== undefined));
  // Of one that names three people nobody knows who is meant.
  if (ids.size === 0 || ids.size > 2) return null;
  return [...ids].every(isName) ? ([...ids] as string[]) : null;
}

function isName(id: unknown): boolean {
  return typeof id === 'string' && findNameFault(id, NAME_CHARS_MAX) === null;
}

function externalIdOf(sent: SentRecord): string | null {
  let input: unknown;
  try {
    input = readInput(sent);
  } catch (error) {
    if (error instanceof RefusedLine) return null;
    throw error;
  }
  if (typeof input !== 'object' || input === null) return null;
  const { externalId, usercode } = input as { externalId?: unknown; usercode?: unknown };
  const id = externalId ?? usercode;
  return typeof id === 'string' ? id : null;
}

/**
 * The stored identity stands for this very record under the present rules, and nothing newer can have been said since:
 * nothing needs to be loaded or planned. `pushWins` is false where a token's word may be newer than the push's.
 */
export function isUnchanged(
  record: IncomingRecord,
  stored: StoredPush | undefined,
  mappingVersion: number,
  pushWins: boolean,
): stored is StoredPush {
  return (
    pushWins &&
    !record.repeated &&
    record.digest !== null &&
    stored !== undefined &&
    stored.pushHash === record.digest &&
    stored.mappingVersion === mappingVersion
  );
}

/** The record as a statement, or as the failure that names all its faults. Throws MalformedRecord. */
export function toStatement(
  record: IncomingRecord,
  connectionId: string,
  {
    statedAt,
    scope,
    isCopy = false,
    since,
    startedAt: now,
  }: Pick<SyncRequest, 'statedAt' | 'scope' | 'isCopy'> & {
    since: Micros | null;
    startedAt: Micros;
  },
): Statement | RecordResult {
  let input: unknown;
  try {
    input = readInput(record.sent);
  } catch (error) {
    if (!(error instanceof RefusedLine)) throw error;
    return failed(record.externalId, 'invalid_record', error.message);
  }
  const { externalId, fields, faults, statedAt: ownStatedAt } = readRecord(input, now);
  if (faults.length === 0 && externalId !== record.externalId) {
    faults.push({ pointer: '/externalId', detail: 'stands twice, and differs' });
  }
  if (faults.length > 0 || externalId === null) {
    const detail = faults.map(({ pointer, detail: text }) => `${pointer || 'record'} ${text}`).join('; ');
    return failed(record.externalId, 'invalid_record', detail, faults);
  }
  const at = ownStatedAt ?? statedAt;
  return {
    connectionId,
    voice: 'push',
    at: at ?? now,
    newest: at === null,
    // Everybody was read: whoever is in an older version there than here is so since that was restored from a backup.
    ...(since !== null && at !== null && at < since ? { [isCopy ? 'replacesUntil' : 'namedAt']: since } : {}),
    scope,
    externalId,
    subject: null,
    fields,
    overage: [],
    complete: false,
    ...(isCopy && Object.hasOwn(input as object, 'attributes') ? { allAttributes: true } : {}),
  };
}
