import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Principal } from '../../platform/access.js';
import { Clock } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { newId } from '../../platform/ids.js';
import { parseJsonBody } from '../../platform/json-body.js';
import { Problem } from '../../platform/problem.js';
import { insertRows } from '../../platform/sql.js';
import { ConnectionPolicies } from '../../provisioning/connection-policies.js';
import { Idempotency, type HeldRequest } from '../../provisioning/idempotency.js';
import { CHUNK_ITEMS_MAX, ProvisioningService } from '../../provisioning/provisioning.service.js';
import { RunEntity } from '../../records/sync-runs/run.entity.js';
import { RunJournal } from '../../records/sync-runs/run-journal.js';
import { assertOnlySnapshot } from '../../records/sync-runs/only-snapshot.js';
import { failureRow, finishedAt, insertFailures, newRun } from '../../records/sync-runs/run-rows.js';
import { SEEN_COLUMNS, seenRows } from '../../records/sync-runs/seen-names.js';
import { getPushConnection } from './push-connection.js';
import { PushRun, type SyncAnswer, type Waiting } from './push-run.js';
import { findStoredPushes } from './stored-pushes.js';
import { MalformedRecord, nameRecords } from './sync-chunk.js';
import { readSyncRequest, RECORDS_MAX } from './sync-request.js';

const RECORDS_PER_READ = 1000;
/** A push with no more to write is over in a second: its run is written once, with the last of it. */
const UNJOURNALLED_MAX = 1000;
/** Of one push, where their order is free: one is planned while another is written. */
const CHUNKS_AT_ONCE = 2;

/** Takes pushes that come as one JSON body. */
@Injectable()
export class SyncService {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly policies: ConnectionPolicies,
    private readonly provisioning: ProvisioningService,
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
    const startedAt = this.clock.now();
    const { request, faults } = readSyncRequest(body, startedAt);
    if (faults.length > 0) throw new Problem('invalid_request', undefined, { faults });
    if (request.records.length > RECORDS_MAX) {
      throw new Problem('payload_too_large', `A push has at most ${RECORDS_MAX} records; send several, or a stream.`);
    }
    const known = await getPushConnection(this.policies, principal, request.connectionId);
    const records = await nameRecords(request.records, request);
    const since = request.mode === 'snapshot' ? (request.statedAt ?? startedAt) : null;
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
    const waiting = await this.sortOut(run);
    if (waiting.length > UNJOURNALLED_MAX || held?.isResumed || run.request.since !== null)
      return this.applyJournalled(run, waiting, held);
    await this.applyChunks(run, waiting, held);
    await this.database.transaction((tx) => this.finish(tx, run, held));
    return run.answer();
  }

  /** A long one: its run can be seen, followed and cancelled while it goes on. */
  private async applyJournalled(run: PushRun, waiting: Waiting[], held: HeldRequest | null): Promise<SyncAnswer> {
    const journal = await RunJournal.open(this.database, this.clock, {
      run: { ...this.rowOf(run), phase: 'writing' },
      admit: (tx) => assertOnlySnapshot(tx, this.database.engine, this.rowOf(run)),
      progress: () => ({ phase: 'writing', counts: run.counts, upTo: run.upTo, digest: null }),
      ...(held ? { beat: (tx: EntityManager) => this.idempotency.extend(tx, held) } : {}),
    });
    try {
      await this.applyChunks(run, waiting, held, journal.stopped);
      await journal.close();
      await this.database.transaction(async (tx) => {
        await journal.end(tx, 'finished', null);
        await this.keepOutcome(tx, run, held);
      });
      return run.answer();
    } catch (error) {
      await journal.close();
      const status = error instanceof Problem && error.code === 'run_cancelled' ? 'cancelled' : 'broken';
      const reason = error instanceof Problem ? (error.detail ?? error.title) : 'Something failed on our side.';
      await this.database.transaction((tx) => journal.end(tx, status, reason)).catch(() => undefined);
      throw error;
    }
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
        const chunk = waiting.slice(next, (next += isOneChunk ? CHUNK_ITEMS_MAX : this.provisioning.chunkItems));
        if (held) run.keepPart(chunk, (part, results) => this.idempotency.partRow(held, part, results));
        const submissions = chunk.map(({ submission }) => submission);
        run.note(chunk, await this.provisioning.submitChunk(run.principal.tenantId, submissions));
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
    await this.provisioning.submitWhole(
      waiting.map(({ submission }) => submission),
      async (tx, { settled }) => {
        run.note(waiting, settled);
        run.refuseFailures();
        await this.finish(tx, run, held);
      },
    );
    return run.answer();
  }

  private async preview(run: PushRun): Promise<SyncAnswer> {
    const waiting = await this.sortOut(run);
    const { settled } = await this.provisioning.plan(waiting.map(({ submission }) => submission));
    run.note(waiting, settled);
    return run.answer();
  }

  /** All of a push before anything of it is written: it may stop being JSON in its last record. */
  private async sortOut(run: PushRun): Promise<Waiting[]> {
    const waiting: Waiting[] = [];
    for (let start = 0; start < run.size; start += RECORDS_PER_READ) {
      const records = run.open(start, RECORDS_PER_READ);
      const stored = await findStoredPushes(this.database.read, run.known.row.id, records);
      waiting.push(...(await run.sortOut(records, stored)));
    }
    return waiting;
  }

  private rowOf(run: PushRun): RunEntity {
    const { id, principal, known, request } = run;
    const { id: connectionId, mappingVersion } = known.row;
    const { mode, scope, since, startedAt } = request;
    const what = { kind: 'push', cause: 'request', mode } as const;
    const by = { actorType: principal.type, actorId: principal.id };
    const given = { id, tenantId: principal.tenantId, connectionId, mappingVersion, ...what, ...by };
    return newRun(given, startedAt, { scope, statedAt: since });
  }

  private async finish(tx: EntityManager, run: PushRun, held: HeldRequest | null): Promise<void> {
    const now = this.clock.now();
    const over = finishedAt(now);
    await tx.insert(RunEntity, { ...this.rowOf(run), ...over, counts: run.counts, upTo: run.size });
    await this.keepOutcome(tx, run, held);
  }

  private async keepOutcome(tx: EntityManager, run: PushRun, held: HeldRequest | null): Promise<void> {
    const of = { id: run.id, tenantId: run.principal.tenantId, connectionId: run.known.row.id };
    const now = this.clock.now();
    const naming = run.naming(run.results, now, (index) => index + 1);
    await insertRows(tx, 'run_seen', SEEN_COLUMNS, seenRows(of, { part: 1, ...naming }));
    await insertFailures(
      tx,
      run.failures.map((each) => failureRow(of, each, now)),
    );
    if (held) await this.idempotency.finish(tx, held, JSON.stringify(run.answer()));
  }
}
