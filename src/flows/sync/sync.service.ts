import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Principal } from '../../platform/access.js';
import { Clock } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { parseJsonBody } from '../../platform/json-body.js';
import { Problem } from '../../platform/problem.js';
import { selectByKeys } from '../../platform/sql.js';
import { ConnectionPolicies, type KnownConnection } from '../../provisioning/connection-policies.js';
import { Idempotency, type HeldRequest } from '../../provisioning/idempotency.js';
import { ProvisioningService } from '../../provisioning/provisioning.service.js';
import { RunEntity } from '../../records/sync-runs/run.entity.js';
import { PushRun, type SyncAnswer, type Waiting } from './push-run.js';
import { type IncomingRecord, MalformedRecord, nameRecords, type StoredPush } from './sync-chunk.js';
import { readSyncRequest, RECORDS_MAX } from './sync-request.js';

const RECORDS_PER_READ = 1000;
/** Of one push, where their order is free: one is planned while another is written. */
const CHUNKS_AT_ONCE = 2;

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
    const now = this.clock.now();
    const { request, faults } = readSyncRequest(body, now);
    if (faults.length > 0) throw new Problem('invalid_request', undefined, { faults });
    if (request.records.length > RECORDS_MAX) {
      throw new Problem('payload_too_large', `A push has at most ${RECORDS_MAX} records; send several.`);
    }
    const known = await this.findConnection(principal, request.connectionId);
    const run = new PushRun(principal, known, request, await nameRecords(request.records, request.statedAt), now);
    if (request.dryRun) return this.preview(run);
    if (idempotencyKey === null) return this.apply(run, null);
    const held = await this.idempotency.begin(principal.id, idempotencyKey, body);
    if ('answer' in held) return JSON.parse(held.answer) as SyncAnswer;
    try {
      run.resume(held);
      return await this.apply(run, held);
    } catch (error) {
      await this.idempotency.release(held).catch(() => undefined);
      throw error;
    }
  }

  private async findConnection(principal: Principal, named: string | null): Promise<KnownConnection> {
    const id = principal.connectionId ?? named;
    if (id === null) {
      throw new Problem('invalid_request', undefined, {
        faults: [{ pointer: '/connection', detail: 'is needed: this credential is not bound to a connection' }],
      });
    }
    if (named !== null && named !== id) throw new Problem('forbidden', 'This key speaks for another connection.');
    const known = await this.policies.find(id);
    if (!known || known.row.tenantId !== principal.tenantId) throw new Problem('not_found', 'No such connection.');
    if (known.row.status !== 'active') throw new Problem('conflict', 'The connection is disabled.');
    return known;
  }

  private async apply(run: PushRun, held: HeldRequest | null): Promise<SyncAnswer> {
    if (run.request.atomic) return this.applyWhole(run, held);
    const waiting = await this.sortOut(run);
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < waiting.length) {
        const chunk = waiting.slice(next, (next += this.provisioning.chunkItems));
        if (held) run.keepPart(chunk, (part, results) => this.idempotency.partRow(held, part, results));
        const submissions = chunk.map(({ submission }) => submission);
        run.note(chunk, await this.provisioning.submitChunk(run.principal.tenantId, submissions));
      }
    };
    const workers = Array.from({ length: run.isOrderFree(waiting) ? CHUNKS_AT_ONCE : 1 }, work);
    // All of them, before the request is let go of: what is under way is written yet.
    const ends = await Promise.allSettled(workers);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    await this.database.transaction((tx) => this.finish(tx, run, held));
    return run.answer();
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
      waiting.push(...(await run.sortOut(records, await this.findStored(run, records))));
    }
    return waiting;
  }

  private async findStored(run: PushRun, records: readonly IncomingRecord[]): Promise<Map<string, StoredPush>> {
    const ids: string[] = [];
    for (const { externalId } of records) if (externalId !== null) ids.push(externalId);
    const rows = await selectByKeys(
      this.database.read,
      (keys) =>
        `SELECT externalId, userId, pushHash, mappingVersion FROM identities WHERE connectionId = ? AND externalId IN ${keys}`,
      [run.known.row.id],
      ids,
    );
    const stored = new Map<string, StoredPush>();
    for (const row of rows) stored.set(row.externalId as string, row as unknown as StoredPush);
    return stored;
  }

  private async finish(tx: EntityManager, run: PushRun, held: HeldRequest | null): Promise<void> {
    const answer = run.answer();
    await tx.insert(RunEntity, {
      id: run.id,
      tenantId: run.principal.tenantId,
      connectionId: run.known.row.id,
      kind: 'push',
      status: 'finished',
      actorType: run.principal.type,
      actorId: run.principal.id,
      mappingVersion: run.known.row.mappingVersion,
      counts: { ...answer.counts },
      error: null,
      startedAt: run.startedAt,
      finishedAt: this.clock.now(),
    });
    if (held) await this.idempotency.finish(tx, held, JSON.stringify(answer));
  }
}
