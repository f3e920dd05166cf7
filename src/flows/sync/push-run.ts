import { actorOf } from '../../ledger/ledger.service.js';
import type { SnapshotTruth } from '../../plan/missing.js';
import type { Statement } from '../../plan/statement.js';
import type { Principal } from '../../platform/access.js';
import { breathe } from '../../platform/breathe.js';
import type { Micros } from '../../platform/clock.js';
import { Problem } from '../../platform/problem.js';
import { normaliseKey } from '../../platform/text-key.js';
import type { KnownConnection } from '../../provisioning/connection-policies.js';
import type { HeldRequest } from '../../provisioning/idempotency.js';
import type { Settled, Submission, TableRow } from '../../provisioning/submission.js';
import type { RunFailure } from '../../records/sync-runs/run-rows.js';
import { entryRows, type RecordFate } from './held-records.js';
import { type Pushing, runOf } from './run-of-push.js';
import type { PushNaming } from './seen-notes.js';
import { findMeant, type IncomingRecord, isUnchanged, type StoredPush, toStatement } from './sync-chunk.js';
import type { SyncRequest } from './sync-request.js';
import {
  countResults,
  failuresOf,
  type RecordResult,
  type SyncCounts,
  tellChanges,
  withoutMadeUpId,
  toRecordResult,
} from './sync-result.js';

/** Records read in a row: about a millisecond. */
const READ_IN_A_ROW = 100;

export interface SyncAnswer {
  /** The run; null for a dry run. */
  run: string | null;
  dryRun: boolean;
  counts: SyncCounts;
  results: RecordResult[];
  /** Of a snapshot: how many of its scope it does not name, and nobody has since. */
  missing?: number;
  error?: string;
  /** Of the dry run of one: the first of them, and whether an admin would have to agree. */
  missingPeople?: MissingPerson[];
  held?: boolean;
}

export interface MissingPerson {
  externalId: string;
  userId: string;
}

/** A record that has to be planned, and its statement. */
export interface Waiting {
  record: IncomingRecord;
  submission: Submission;
  /** Of whom it is, as far as that is known before it is planned. */
  userId: string | null;
}

/** One push under way: what was asked, and what is known of each record so far. */
export class PushRun {
  readonly results: RecordResult[];
  /** Of a snapshot: what it has come to. */
  ended: { counts: SyncCounts; missing: number; error: string | null } | null = null;
  /** Of the dry run of one: what it would come to. */
  previewed: { missing: number; error: string | null; held: boolean; people: MissingPerson[] } | null = null;
  private readonly records: IncomingRecord[];

  constructor(
    readonly id: string,
    readonly principal: Principal,
    readonly known: KnownConnection,
    /** `since`: of a snapshot, the moment whose truth it is. */
    readonly request: SyncRequest & { startedAt: Micros; since: Micros | null },
    records: IncomingRecord[],
  ) {
    this.records = records;
    this.results = Array.from<RecordResult>({ length: records.length });
  }

  get pushing(): Pushing {
    return { runId: this.id, principal: this.principal, known: this.known };
  }

  /** What it is the whole truth of; null: of nothing. */
  get truth(): SnapshotTruth | null {
    const { scope, since } = this.request;
    return since === null ? null : { connectionId: this.known.row.id, scope, statedAt: since };
  }

  /** Takes the results that an earlier try of the same request has committed. */
  resume({ parts }: HeldRequest): void {
    for (const text of parts.values()) {
      for (const [index, result] of JSON.parse(text) as [number, RecordResult][]) this.results[index] = result;
    }
  }

  /** The records of a block that have no result yet. */
  open(start: number, count: number): IncomingRecord[] {
    return this.records.slice(start, start + count).filter(({ index }) => this.results[index] === undefined);
  }

  get size(): number {
    return this.records.length;
  }

  /** Answers for what is unchanged or at fault; what is left has to be planned. */
  async sortOut(records: readonly IncomingRecord[], stored: ReadonlyMap<string, StoredPush>): Promise<Waiting[]> {
    const { policy } = this.known;
    const waiting: Waiting[] = [];
    for (const [place, record] of records.entries()) {
      if (place % READ_IN_A_ROW === READ_IN_A_ROW - 1) await breathe();
      const before = record.externalId === null ? undefined : stored.get(record.externalId);
      const userId = before?.userId ?? null;
      if (isUnchanged(record, before, policy.mappingVersion, policy.authority === 'push-first')) {
        this.results[record.index] = { externalId: record.externalId, result: 'unchanged', userId: before.userId };
        continue;
      }
      const statement = toStatement(record, policy.id, this.request);
      if ('result' in statement) {
        this.results[record.index] = this.mark(record, statement);
        record.meant = findMeant(record);
        continue;
      }
      record.isNow = statement.newest;
      const submission = this.submissionOf(record, statement, before === undefined);
      waiting.push({ record, submission, userId });
      // What it said is in the statement now.
      record.sent.input = undefined;
    }
    return waiting;
  }

  /** Of a run that is over: what was planned in it has left its result, and these said nothing new then. */
  noteUnchanged(waiting: readonly Waiting[]): void {
    for (const { record, userId } of waiting) {
      const result = { externalId: record.externalId, result: 'unchanged', ...(userId && { userId }) } as const;
      this.results[record.index] = this.mark(record, result);
    }
  }

  /** Of the records that have a result by now. */
  get counts(): SyncCounts {
    return countResults(this.results.filter((each) => each !== undefined));
  }

  /** So many records from the first on have a result. */
  get upTo(): number {
    const open = this.results.indexOf(undefined as never);
    return open < 0 ? this.size : open;
  }

  /** Refused records with their places, from 1. */
  get failures(): RunFailure[] {
    return failuresOf(this.results, (index) => index + 1);
  }

  /**
   * Nothing that one of these records does can matter to another: all are of new people, each with a user name of their
   * own, and nobody is linked by an address.
   */
  isOrderFree(waiting: readonly Waiting[]): boolean {
    if (this.known.policy.authoritativeDomains.length > 0) return false;
    const names = new Set<string>();
    let named = 0;
    for (const { submission } of waiting) {
      if (!submission.isNew) return false;
      const { userName } = submission.statement.fields;
      if (typeof userName !== 'string') continue;
      named += 1;
      names.add(normaliseKey(userName));
    }
    return names.size === named;
  }

  note(waiting: readonly Waiting[], settled: readonly Settled[]): void {
    for (const [index, result] of this.readResults(waiting, settled)) this.results[index] = result;
  }

  /** The results of a chunk, and what of it waits, are kept in the transaction of its effect. */
  keepPart(waiting: readonly Waiting[], partRow: ((part: number, results: string) => TableRow) | null): void {
    const last = waiting.at(-1);
    if (!last) return;
    // A push that is taken again may be cut otherwise.
    for (const { submission } of waiting) delete submission.ofChunk;
    const part = waiting[0]?.record.index ?? 0;
    const run = runOf(this.pushing);
    last.submission.ofChunk = {
      size: waiting.length,
      conclude: (settled) => {
        const rows = entryRows(run, waiting, settled, (index) => index + 1);
        if (partRow) rows.push(partRow(part, JSON.stringify(this.readResults(waiting, settled))));
        return { rows, events: [] };
      },
    };
  }

  /** What has become of the records that were held. */
  noteFates(fates: readonly RecordFate[]): void {
    for (const { record, result, problem } of fates) {
      const before = this.results[record - 1];
      if (before?.result === 'held') this.results[record - 1] = { ...before, result, ...(problem ? { problem } : {}) };
    }
  }

  /**
   * Whom its records named, and when that was said: `numberOf` a record by its place. What was stored of a snapshot is of
   * its own moment at least, whatever the clock does meanwhile.
   */
  naming(results: readonly RecordResult[], now: Micros, numberOf: (index: number) => number): Omit<PushNaming, 'part'> {
    const { statedAt, since, startedAt: lookedAt } = this.request;
    let at = Math.max(since ?? 0, statedAt ?? now);
    let unreadable: number | null = null;
    const externalIds: string[] = [];
    const unheard: string[] = [];
    for (const { index, externalId, meant, isNow } of this.records) {
      // Their facts are of this very moment: that says the same.
      if (isNow && since === null && results[index]?.result === 'created') continue;
      const names = meant === undefined && externalId !== null ? [externalId] : (meant ?? null);
      if (names) externalIds.push(...names);
      else unreadable ??= numberOf(index);
      const result = results[index]?.result;
      if (names && (result === 'unchanged' || result === 'stale' || result === 'failed')) unheard.push(...names);
      // It may have had a time of its own, and left no other trace.
      if (result === 'failed') at = Math.max(at, now);
    }
    return { at, externalIds, unreadable, unheard: { at, externalIds: unheard, lookedAt } };
  }

  /** For `atomic`: throws `batch_refused` with the results of every record that cannot be applied. */
  refuseFailures(): void {
    const failures = this.results.filter((each) => each?.result === 'failed');
    if (failures.length === 0) return;
    throw new Problem('batch_refused', `${failures.length} of ${this.size} records cannot be applied.`, {
      extra: { results: failures },
    });
  }

  answer(): SyncAnswer {
    const { dryRun } = this.request;
    const answer = { run: dryRun ? null : this.id, dryRun, counts: countResults(this.results), results: this.results };
    if (this.previewed) {
      const { missing, error, held, people } = this.previewed;
      return { ...answer, missing, held, missingPeople: people, ...(error === null ? {} : { error }) };
    }
    if (!this.ended) return answer;
    const { counts, missing, error } = this.ended;
    return { ...answer, counts, missing, ...(error === null ? {} : { error }) };
  }

  /** The results of a chunk, by the places of its records. */
  readResults(waiting: readonly Waiting[], settled: readonly Settled[]): [number, RecordResult][] {
    const { dryRun, startedAt } = this.request;
    return waiting.map(({ record }, place) => {
      const result = this.mark(record, toRecordResult(settled[place], record.externalId ?? ''));
      if (!dryRun) return [record.index, result];
      const changes = tellChanges(settled[place], startedAt);
      return [record.index, withoutMadeUpId(changes ? { ...result, changes } : result, settled[place])];
    });
  }

  private mark(record: IncomingRecord, result: RecordResult): RecordResult {
    return record.duplicateOf === null ? result : { ...result, duplicateOf: record.duplicateOf };
  }

  private submissionOf(record: IncomingRecord, statement: Statement, isNew: boolean): Submission {
    return {
      tenantId: this.principal.tenantId,
      statement,
      purpose: 'push',
      via: 'sync',
      actor: actorOf(this.principal),
      runId: this.id,
      pushHash: record.digest,
      isNew: isNew && !record.repeated,
    };
  }
}
