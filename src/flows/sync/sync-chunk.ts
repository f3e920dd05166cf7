import { hash } from 'node:crypto';
import { readRecord } from '../../plan/record.js';
import type { Statement } from '../../plan/statement.js';
import type { Micros } from '../../platform/clock.js';
import { failed, type RecordResult } from './sync-result.js';

/** A record of a push on its way: what it is called, and a digest by which an unchanged one is told. */
export interface IncomingRecord {
  index: number;
  input: unknown;
  externalId: string | null;
  digest: string;
  /** The first record of the same person in this push. */
  duplicateOf: number | null;
  /** The push has several records of this person: each has to be planned after the one before. */
  repeated: boolean;
}

/** What is stored of the identity that a record names. */
export interface StoredPush {
  userId: string;
  pushHash: string | null;
  mappingVersion: number;
}

/** Names and digests the records of a whole push, so that each person's records are known before the first is written. */
export function nameRecords(records: readonly unknown[], statedAt: Micros | null): IncomingRecord[] {
  const first = new Map<string, IncomingRecord>();
  return records.map((input, index) => {
    const externalId = externalIdOf(input);
    // The digest covers the stated time too: the same words said later are a newer statement.
    const digest = hash('sha256', `${statedAt ?? ''} ${JSON.stringify(input)}`, 'base64url');
    const record: IncomingRecord = { index, input, externalId, digest, duplicateOf: null, repeated: false };
    if (externalId === null) return record;
    const earlier = first.get(externalId);
    if (!earlier) {
      first.set(externalId, record);
      return record;
    }
    earlier.repeated = true;
    return { ...record, duplicateOf: earlier.index, repeated: true };
  });
}

function externalIdOf(input: unknown): string | null {
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
    stored !== undefined &&
    stored.pushHash === record.digest &&
    stored.mappingVersion === mappingVersion
  );
}

/** The record as a statement, or as the failure that names all its faults. */
export function toStatement(
  record: IncomingRecord,
  connectionId: string,
  statedAt: Micros | null,
  now: Micros,
): Statement | RecordResult {
  const { externalId, fields, faults, statedAt: ownStatedAt } = readRecord(record.input, now);
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
    externalId,
    subject: null,
    fields,
    overage: [],
    complete: false,
  };
}
