import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Principal } from '../../platform/access.js';
import { newId } from '../../platform/ids.js';
import { parseJsonBody } from '../../platform/json-body.js';
import { Problem } from '../../platform/problem.js';
import type { Decision } from '../../provisioning/decide-run.js';
import { Idempotency, type HeldRequest } from '../../provisioning/idempotency.js';
import { CHUNK_ITEMS_MAX } from '../../provisioning/provisioning.service.js';
import { RemovalsWait } from '../../provisioning/removal-guard.js';
import { RunEntity } from '../../records/sync-runs/run.entity.js';
import { RunJournal } from '../../records/sync-runs/run-journal.js';
import { assertOnlySnapshot } from '../../records/sync-runs/only-snapshot.js';
import { failureRow, finishedAt, insertFailures } from '../../records/sync-runs/run-rows.js';
import { tellOutcome } from '../../records/sync-runs/run-outcomes.js';
import { scopeOf } from '../../records/sync-runs/run-people.js';
import { isComplete } from '../../records/sync-runs/run-state.js';
import { guardOf, guardRecords, readFates, resumeGuard, tooMuchAtOnce } from './held-records.js';
import { previewPush } from './push-preview.js';
import { PushParts } from './push-parts.js';
import { SeenNotes } from './seen-notes.js';
import { type ClockMark, countMissing, noteEarlierTry, type SnapshotEnd, Snapshots, toRunEnd } from './snapshots.js';
import { getPushConnection } from './push-connection.js';
import { PushRun, type SyncAnswer, type Waiting } from './push-run.js';
import { rowOf, runOf } from './run-of-push.js';
import { findStoredPushes } from './stored-pushes.js';
import { MalformedRecord, nameRecords } from './sync-chunk.js';
import { readSyncRequest, RECORDS_MAX, truthTime } from './sync-request.js';

const RECORDS_PER_READ = 1000;
/** A push with no more to write is over in a second: its run is written once, with the last of it. */
const UNJOURNALLED_MAX = 1000;
/** Of one push, where their order is free: one is planned while another is written. */
const CHUNKS_AT_ONCE = 2;

/** Takes pushes that come as one JSON body. */
@Injectable()
export class SyncService {
  constructor(
    private readonly parts: PushParts,
    private readonly snapshots: Snapshots,
    private readonly idempotency: Idempotency,
  ) {}

  /** Applies a push, and answers record by record. With `idempotencyKey`, the same request has one effect and answer. */
  async sync(principal: Principal, body: Buffer, idempotencyKey: string | null): Promise<SyncAnswer> {
    try {
      return await this.take(principal, body, idempotencyKey);
    } catch (error) {
      // Where it stops being JSON, by a reading of the whole. Nothing was written: all records are read before.
      if (error instanceof MalformedRecord) parseJsonBody(body, true);
      throw error;
    }
  }

  private async take(principal: Principal, body: Buffer, idempotencyKey: string | null): Promise<SyncAnswer> {
    const startedAt = this.parts.clock.now();
    const { request, faults } = readSyncRequest(body, startedAt);
    if (faults.length > 0) throw new Problem('invalid_request', undefined, { faults });
    if (request.records.length > RECORDS_MAX) {
      throw new Problem('payload_too_large', `A push has at most ${RECORDS_MAX} records; send several, or a stream.`);
    }
    const known = await getPushConnection(this.parts, principal, request.connectionId);
    const records = await nameRecords(request.records, request);
    const since = truthTime(request, startedAt);
    const runAs = (id: string) => new PushRun(id, principal, known, { ...request, startedAt, since }, records);
    if (request.dryRun) return this.preview(runAs(newId()));
    if (idempotencyKey === null) return this.apply(runAs(newId()), null);
    const held = await this.idempotency.begin(principal.id, idempotencyKey, body, newId());
    if ('answer' in held) return JSON.parse(held.answer) as SyncAnswer;
    try {
      const run = runAs(held.runId);
      run.resume(held);
      return await this.apply(run, held);
    } catch (error) {
      await this.idempotency.release(held).catch(() => undefined);
      throw error;
    }
  }

  private async apply(run: PushRun, held: HeldRequest | null): Promise<SyncAnswer> {
    if (run.request.atomic) return this.applyWhole(run, held);
    if (held?.isResumed && (await this.hasEnded(run))) return this.answerAgain(run, held);
    const waiting = await this.sortOut(run);
    const isLong = waiting.length > UNJOURNALLED_MAX || run.request.since !== null;
    if (isLong || held?.isResumed) return this.applyJournalled(run, waiting, held);
    this.guard(run, waiting);
    try {
      await this.applyChunks(run, waiting, held);
    } catch (error) {
      if (!(error instanceof RemovalsWait)) throw error;
      // What is written of it so far has its result; the rest waits for the end of the run, or for an admin.
      const rest = waiting.filter(({ record }) => run.results[record.index] === undefined);
      return this.applyJournalled(run, rest, held);
    }
    const notes = await this.parts.database.transaction((tx) => this.finish(tx, run, held));
    await notes.settle(run.size);
    return run.answer();
  }

  /** As few records as may always lose something need no guard; a chunk is counted whole, where nothing is lost for free. */
  private guard(run: PushRun, waiting: readonly Waiting[]): void {
    if (waiting.length < run.known.row.settings.safetyCatch.users) return;
    guardRecords(
      waiting,
      guardOf(run.known, waiting.length <= CHUNK_ITEMS_MAX ? 'count' : 'stop', scopeOf(run.request)),
    );
  }

  /** A long one: its run can be seen, followed and cancelled while it goes on. */
  private async applyJournalled(run: PushRun, waiting: Waiting[], held: HeldRequest | null): Promise<SyncAnswer> {
    const mark = this.snapshots.markClock();
    const notes = new SeenNotes(this.parts, run.pushing);
    const guard = guardOf(run.known, 'hold', scopeOf(run.request));
    const journal = await RunJournal.open(
      this.parts.database,
      this.parts.clock,
      {
        run: { ...this.rowOf(run), phase: 'writing' },
        admit: (tx) => assertOnlySnapshot(tx, this.rowOf(run)),
        progress: () => ({ phase: 'writing', counts: run.counts, upTo: run.upTo, digest: null }),
        beside: notes,
        ...(held ? { beat: (tx: EntityManager) => this.idempotency.extend(tx, held) } : {}),
      },
      async (stored) => {
        noteEarlierTry(mark, stored);
        run.request.since &&= stored.statedAt;
        await resumeGuard(this.parts.database.read, run.id, guard);
      },
    );
    guardRecords(waiting, guard);
    try {
      await this.applyChunks(run, waiting, held, journal.stopped);
      const { failures } = run;
      this.note(run, notes);
      const end = await this.takeStock(run, journal, mark);
      const decision = run.counts.held > 0 || end ? await this.settleHeld(run, journal, end) : 'nothing';
      if (end) await this.tellEnd(run, decision === 'nothing' ? end.error : null);
      await journal.close();
      await this.parts.database.transaction(async (tx) => {
        if (decision === 'nothing') await journal.end(tx, 'finished', end?.error ?? null);
        await this.keepOutcome(tx, run, held, failures);
      });
      await notes.settle(run.size);
      return run.answer();
    } catch (error) {
      await journal.close();
      const status = error instanceof Problem && error.code === 'run_cancelled' ? 'cancelled' : 'broken';
      const reason = error instanceof Problem ? (error.detail ?? error.title) : 'Something failed on our side.';
      await this.parts.database.transaction((tx) => journal.end(tx, status, reason)).catch(() => undefined);
      throw error;
    }
  }

  private note(run: PushRun, notes: SeenNotes): void {
    const naming = run.naming(run.results, this.parts.clock.now(), (index) => index + 1);
    notes.add({ part: 1, ...naming });
  }

  /** Of a snapshot: who is missing from it. */
  private async takeStock(run: PushRun, journal: RunJournal, mark: ClockMark): Promise<SnapshotEnd | null> {
    const { truth } = run;
    if (!truth) return null;
    await journal.tell();
    return this.snapshots.gather(runOf(run.pushing), truth, mark, journal.stopped);
  }

  /** What it takes away is applied, or held. */
  private async settleHeld(run: PushRun, journal: RunJournal, end: SnapshotEnd | null): Promise<Decision> {
    await journal.stopTelling();
    const { counts, size: upTo } = run;
    const said = { counts, upTo, holder: journal.holder, ...(end ? toRunEnd(end) : {}) };
    const decision = await this.parts.removals.decide(run.id, said);
    run.noteFates(await readFates(this.parts.database.read, run.id));
    return decision;
  }

  /** In the words of the run's row: of who is missing there is no result. */
  private async tellEnd(run: PushRun, error: string | null): Promise<void> {
    const { read } = this.parts.database;
    const stored = await read.findOneByOrFail(RunEntity, { id: run.id });
    const missing = await countMissing(read, run.id);
    run.ended = { counts: { ...run.counts, ...stored.counts }, missing, error: error ?? stored.error };
  }

  /** An earlier try has sent all of it, and nothing but its answer was lost. */
  private async hasEnded(run: PushRun): Promise<boolean> {
    const stored = await this.parts.database.read.findOneBy(RunEntity, { id: run.id });
    return stored !== null && isComplete(stored);
  }

  private async answerAgain(run: PushRun, held: HeldRequest): Promise<SyncAnswer> {
    await this.parts.removals.decide(run.id);
    // Others may have written to these since.
    run.noteUnchanged(await this.sortOut(run));
    const { failures } = run;
    run.noteFates(await readFates(this.parts.database.read, run.id));
    if (run.truth) await this.tellEnd(run, null);
    await this.parts.database.transaction((tx) => this.keepOutcome(tx, run, held, failures));
    return run.answer();
  }

  private async applyChunks(
    run: PushRun,
    waiting: readonly Waiting[],
    held: HeldRequest | null,
    stopped?: AbortSignal,
  ): Promise<void> {
    // What fits a chunk is written whole or not at all.
    const isOneChunk = waiting.length <= CHUNK_ITEMS_MAX;
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < waiting.length) {
        stopped?.throwIfAborted();
        const chunk = waiting.slice(next, (next += isOneChunk ? CHUNK_ITEMS_MAX : this.parts.provisioning.chunkItems));
        run.keepPart(chunk, held && ((part, results) => this.idempotency.partRow(held, part, results)));
        const submissions = chunk.map(({ submission }) => submission);
        run.note(chunk, await this.parts.provisioning.submitChunk(run.principal.tenantId, submissions));
      }
    };
    const workers = Array.from({ length: run.isOrderFree(waiting) ? CHUNKS_AT_ONCE : 1 }, work);
    // All of them, before the request is let go of: what is under way is written yet.
    const ends = await Promise.allSettled(workers);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  private async applyWhole(run: PushRun, held: HeldRequest | null): Promise<SyncAnswer> {
    const waiting = await this.sortOut(run);
    run.refuseFailures();
    guardRecords(waiting, guardOf(run.known, 'count', scopeOf(run.request)));
    const submissions = waiting.map(({ submission }) => submission);
    const notes: SeenNotes[] = [];
    const writing = this.parts.provisioning.submitWhole(submissions, async (tx, { settled }) => {
      run.note(waiting, settled);
      run.refuseFailures();
      notes.push(await this.finish(tx, run, held));
    });
    await writing.catch((error: unknown) => {
      throw error instanceof RemovalsWait ? tooMuchAtOnce(run.known, error) : error;
    });
    await notes.at(-1)?.settle(run.size);
    return run.answer();
  }

  private async preview(run: PushRun): Promise<SyncAnswer> {
    const waiting = await this.sortOut(run);
    run.note(waiting, await previewPush(run, waiting, this.parts, this.snapshots.missing));
    return run.answer();
  }

  /** All of a push before anything of it is written: it may stop being JSON in its last record. */
  private async sortOut(run: PushRun): Promise<Waiting[]> {
    const waiting: Waiting[] = [];
    for (let start = 0; start < run.size; start += RECORDS_PER_READ) {
      const records = run.open(start, RECORDS_PER_READ);
      const stored = await findStoredPushes(this.parts.database.read, run.known.row.id, records);
      waiting.push(...(await run.sortOut(records, stored)));
    }
    return waiting;
  }

  private rowOf(run: PushRun): RunEntity {
    const { request } = run;
    return rowOf(run.pushing, { ...request, kind: 'push' }, request.since, request.startedAt);
  }

  private async finish(tx: EntityManager, run: PushRun, held: HeldRequest | null): Promise<SeenNotes> {
    const now = this.parts.clock.now();
    const row = { ...this.rowOf(run), ...finishedAt(now), counts: run.counts, upTo: run.size };
    await tx.insert(RunEntity, row);
    tellOutcome(tx, row, 'finished');
    const notes = new SeenNotes(this.parts, run.pushing);
    this.note(run, notes);
    await notes.write(tx, run.size);
    await this.keepOutcome(tx, run, held);
    return notes;
  }

  private async keepOutcome(
    tx: EntityManager,
    run: PushRun,
    held: HeldRequest | null,
    failures = run.failures,
  ): Promise<void> {
    const of = { id: run.id, tenantId: run.principal.tenantId };
    const now = this.parts.clock.now();
    await insertFailures(
      tx,
      failures.map((each) => failureRow(of, each, now)),
    );
    if (held) await this.idempotency.finish(tx, held, JSON.stringify(run.answer()));
  }
}
