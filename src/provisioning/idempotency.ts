import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type EntityManager, IsNull } from 'typeorm';
import { Clock, HOUR, MINUTE, SECOND } from '../platform/clock.js';
import { Database } from '../platform/database.js';
import { databaseTroubleOf } from '../platform/database-errors.js';
import { Problem } from '../platform/problem.js';
import { rowLock } from '../platform/row-locks.js';
import { IdempotencyKeyEntity, IdempotencyPartEntity } from './once.entity.js';
import type { TableRow } from './submission.js';

const KEPT_FOR = 24 * HOUR;
/** Longer than any request takes; after it a killed instance's request can be sent again and goes on. */
const HELD_FOR = MINUTE;
const EXTENDED_FOR = 15 * SECOND;
const KEY_CHARS_MAX = 255;

/** A request under its `Idempotency-Key`, held by this process. */
export interface HeldRequest {
  principalId: string;
  requestKey: string;
  /** What an earlier try has begun, else the one that was given. */
  runId: string;
  isResumed: boolean;
  /** Results of the parts that an earlier try of the same request has committed. */
  parts: ReadonlyMap<number, string>;
}

/** The one answer of a request that may be sent many times (draft-ietf-httpapi-idempotency-key-header). */
@Injectable()
export class Idempotency {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * Takes the request, or gives the answer that it had. Throws `idempotency_mismatch` if the key stood for another
   * body, and `idempotency_in_progress` while it is being worked on.
   */
  async begin(
    principalId: string,
    requestKey: string,
    body: Buffer,
    runId: string,
  ): Promise<HeldRequest | { answer: string }> {
    if (requestKey.length === 0 || requestKey.length > KEY_CHARS_MAX || !/^[\x20-\x7e]+$/.test(requestKey)) {
      throw new Problem('invalid_request', undefined, {
        faults: [{ pointer: 'Idempotency-Key', detail: `must have 1 to ${KEY_CHARS_MAX} printable characters` }],
      });
    }
    const requestHash = hash('sha256', body, 'base64url');
    const request = { principalId, requestKey, requestHash, runId };
    const take = () => this.database.transaction((tx) => this.take(tx, request));
    const held = await take().catch((error: unknown) => {
      // Two came at once and neither saw the other: the one that lost looks again, and sees it.
      if (databaseTroubleOf(error) === 'duplicate') return take();
      throw error;
    });
    if (held.answer !== null) return { answer: held.answer };
    const parts = await this.database.read.findBy(IdempotencyPartEntity, { principalId, requestKey });
    return {
      principalId,
      requestKey,
      runId: held.runId ?? runId,
      isResumed: held.runId !== null,
      parts: new Map(parts.map((each) => [each.part, each.results])),
    };
  }

  /** The row of one part's results, for the transaction of its effect. */
  partRow(held: HeldRequest, part: number, results: string): TableRow {
    return {
      table: 'idempotency_parts',
      columns: ['principalId', 'requestKey', 'part', 'results'],
      values: [held.principalId, held.requestKey, part, results],
    };
  }

  /** Keeps the answer, inside the transaction of the last effect. */
  async finish(tx: EntityManager, { principalId, requestKey }: HeldRequest, answer: string): Promise<void> {
    await tx.update(IdempotencyKeyEntity, { principalId, requestKey }, { status: 200, answer });
    await tx.delete(IdempotencyPartEntity, { principalId, requestKey });
  }

  /** The work goes on: nobody else takes it for a while. Shorter than at first, as it is said each second. */
  async extend(tx: EntityManager, { principalId, requestKey }: HeldRequest): Promise<void> {
    const heldUntil = this.clock.now() + EXTENDED_FOR;
    await tx.update(IdempotencyKeyEntity, { principalId, requestKey }, { heldUntil });
  }

  /** Lets go of a request that had some effect and can be gone on with. */
  async pause(tx: EntityManager, { principalId, requestKey }: HeldRequest): Promise<void> {
    await tx.update(IdempotencyKeyEntity, { principalId, requestKey }, { heldUntil: 0 });
  }

  /**
   * Lets go of a request that had no effect, so that it can be mended and sent again. One that has its answer keeps it: it
   * was committed, though whoever waited for that has not heard so.
   */
  async release({ principalId, requestKey }: HeldRequest): Promise<void> {
    await this.database.transaction(async (tx) => {
      if (await tx.existsBy(IdempotencyPartEntity, { principalId, requestKey })) {
        await tx.update(IdempotencyKeyEntity, { principalId, requestKey }, { heldUntil: 0 });
      } else {
        await tx.delete(IdempotencyKeyEntity, { principalId, requestKey, status: IsNull() });
      }
    });
  }

  private async take(tx: EntityManager, request: Request): Promise<{ answer: string | null; runId: string | null }> {
    const { principalId, requestKey } = request;
    const now = this.clock.now();
    const row = await tx.findOne(IdempotencyKeyEntity, { where: { principalId, requestKey }, ...rowLock(tx) });
    const heldUntil = now + HELD_FOR;
    if (!row || row.expiresAt <= now) {
      if (row) {
        await tx.delete(IdempotencyKeyEntity, { principalId, requestKey });
        // What they say is of another request, that was given up.
        await tx.delete(IdempotencyPartEntity, { principalId, requestKey });
      }
      const expiresAt = now + KEPT_FOR;
      await tx.insert(IdempotencyKeyEntity, { ...request, heldUntil, status: null, answer: null, expiresAt });
      return { answer: null, runId: null };
    }
    if (row.requestHash !== request.requestHash) throw new Problem('idempotency_mismatch');
    if (row.status !== null) return { answer: row.answer ?? '', runId: row.runId };
    if (row.heldUntil > now) throw new Problem('idempotency_in_progress', undefined, { retryAfterSeconds: 2 });
    await tx.update(IdempotencyKeyEntity, { principalId, requestKey }, { heldUntil });
    return { answer: null, runId: row.runId };
  }
}

type Request = Pick<IdempotencyKeyEntity, 'principalId' | 'requestKey' | 'requestHash'> & { runId: string };
