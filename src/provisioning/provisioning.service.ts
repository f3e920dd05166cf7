import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../platform/database.js';
import { Problem } from '../platform/problem.js';
import { ShutdownDrains } from '../platform/shutdown.js';
import { Batch, type PlannedBatch } from './batch.js';
import { RemovalCounts } from './removal-counts.js';
import type { Settled, Submission } from './submission.js';
import { WriteLane } from './write-lane.js';

/** Records of a push that are written in one transaction at most. */
export const CHUNK_ITEMS_MAX = 500;
/** The same while single statements come: nobody who logs in shall wait long behind a chunk. */
const CHUNK_ITEMS_BESIDE_SINGLES = 100;

const REST_MS_MAX = 200;

/** Whoever logged in is followed by others: so long after the last single statement, chunks stay small and come singly. */
const SINGLES_LIKELY_MS = 5000;
/** So long after the last single statement, the next is awaited at any moment. */
const SINGLES_COMING_MS = 200;

/** Where statements are handed in: one alone, a chunk of a push, or a whole that stands or falls together. */
@Injectable()
export class ProvisioningService {
  private readonly single: WriteLane<Submission, Settled>;
  private readonly bulk: WriteLane<Submission, Settled>;
  private lastSingleMs = 0;

  constructor(
    private readonly batch: Batch,
    private readonly removals: RemovalCounts,
    database: Database,
    drains: ShutdownDrains,
  ) {
    const run = (submissions: readonly Submission[]) => this.batch.run(submissions);
    // Two batches at once on a server: one is planned while the other is written. SQLite has one writer anyway.
    const batchesMax = database.engine === 'mysql' ? 2 : 1;
    this.single = new WriteLane(run, { itemsMax: 200, batchesMax, besideMin: () => 12, waitMsMax: 2000 });
    // While people log in, one chunk at a time: a second doubles what they wait for.
    const besideMin = () => (this.wasSingleWithin(SINGLES_LIKELY_MS) ? Infinity : 1);
    const chunksMax = database.engine === 'mysql' ? 3 : 1;
    this.bulk = new WriteLane((submissions) => this.runChunk(submissions), {
      itemsMax: CHUNK_ITEMS_MAX,
      batchesMax: chunksMax,
      besideMin,
      waitMsMax: 30_000,
    });
    // Not before: requests that still run hand in more, and under load the lanes would never be empty.
    drains.register('provisioning', async () => void (await Promise.all([this.single.drain(), this.bulk.drain()])));
  }

  /** How many records a chunk shall have now. */
  get chunkItems(): number {
    return this.wasSingleWithin(SINGLES_LIKELY_MS) ? CHUNK_ITEMS_BESIDE_SINGLES : CHUNK_ITEMS_MAX;
  }

  private wasSingleWithin(ms: number): boolean {
    return Date.now() - this.lastSingleMs < ms;
  }

  /** One statement; it goes with whatever else arrives meanwhile. Throws Problem when it cannot be written. */
  async submit(submission: Submission): Promise<Settled> {
    this.lastSingleMs = Date.now();
    const [settled] = await this.single.submit(submission.tenantId, [submission]);
    if (!settled) throw new Problem('internal');
    this.removals.noteSettled([submission], [settled]);
    return settled;
  }

  /** Somebody whom their source has deleted: no statement says that. */
  noteDeletion(tenantId: string, connectionId: string): void {
    this.removals.note(tenantId, connectionId, { deactivates: true });
  }

  /**
   * A chunk of at most CHUNK_ITEMS_MAX statements of one tenant. If the database refuses it as a whole, each statement
   * is tried by itself, and those that are bad are `failed` with the problem.
   */
  async submitChunk(tenantId: string, submissions: readonly Submission[]): Promise<Settled[]> {
    try {
      return await this.bulk.submit(tenantId, submissions);
    } catch (error) {
      if (!isOfOneStatement(error)) throw error;
      const results: Settled[] = [];
      for (const { ofChunk: _, ...each } of submissions) results.push(await this.submitAlone(each));
      const effects = submissions.at(-1)?.ofChunk?.conclude(results);
      if (effects) await this.batch.writeEffects(effects);
      return results;
    }
  }

  /** All or nothing, in one transaction with `alongside`. The caller looks at the plan before and may throw. */
  async submitWhole(
    submissions: readonly Submission[],
    alongside: (tx: EntityManager, planned: PlannedBatch) => Promise<void>,
  ): Promise<Settled[]> {
    const settled = await this.batch.run(submissions, alongside);
    this.removals.noteSettled(submissions, settled);
    return settled;
  }

  /** What would become of these statements; writes nothing. */
  async plan(submissions: readonly Submission[]): Promise<PlannedBatch> {
    return this.batch.plan(submissions);
  }

  /** A chunk, and after it, while single statements come, as long a rest: a machine that is busy makes everybody wait. */
  private async runChunk(submissions: readonly Submission[]): Promise<Settled[]> {
    const startMs = performance.now();
    const settled = await this.batch.run(submissions);
    const tookMs = performance.now() - startMs;
    const restMs = this.wasSingleWithin(SINGLES_COMING_MS) ? Math.min(tookMs, REST_MS_MAX) : 0;
    if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs));
    return settled;
  }

  private async submitAlone(submission: Submission): Promise<Settled> {
    try {
      const [settled] = await this.bulk.submit(submission.tenantId, [submission]);
      if (settled) return settled;
    } catch (error) {
      if (!isOfOneStatement(error)) throw error;
      return { kind: 'failed', problem: error };
    }
    throw new Problem('internal');
  }
}

/** A problem that a single statement of the chunk may have caused, rather than the state of the service. */
function isOfOneStatement(error: unknown): error is Problem {
  return error instanceof Problem && error.status < 500;
}
