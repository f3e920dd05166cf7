import type { Clock } from '../../platform/clock.js';
import type { Database, SqlValue } from '../../platform/database.js';
import { insertRows } from '../../platform/sql.js';
import type { ProvisioningService } from '../../provisioning/provisioning.service.js';
import type { Settled, TableRow } from '../../provisioning/submission.js';
import { type RunCounts, RunPartEntity } from '../../records/sync-runs/run.entity.js';
import { FAILURE_COLUMNS, failureRow, insertFailures } from '../../records/sync-runs/run-rows.js';
import { entryRows } from './held-records.js';
import { patiently } from './patience.js';
import { connectionClosed } from './push-connection.js';
import type { PushRun, Waiting } from './push-run.js';
import type { StreamChunk } from './read-lines.js';
import { countResults, failuresOf, type RecordResult } from './sync-result.js';

const PART_COLUMNS = ['runId', 'part', 'tenantId', 'upTo', 'digest', 'counts', 'place'];

/** A record failed by what stood there before an earlier chunk was committed: to be planned again after that. */
class PlannedTooEarly extends Error {}

class ConnectionGone extends Error {}

export interface ChunkPlace {
  waiting: readonly Waiting[];
  /** Everything before it is committed. */
  isAlone: boolean;
  /** Settles when that is so. */
  settleBefore(): Promise<void>;
}

/** Writes a chunk of a stream, and beside it, in the same transaction, that it is written and what it refused. */
export class ChunkWriter {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly provisioning: ProvisioningService,
    private readonly order: { runId: string; principal: { tenantId: string }; known: { row: { id: string } } },
  ) {}

  async write(run: PushRun, chunk: StreamChunk, place: ChunkPlace): Promise<RunCounts> {
    let { isAlone } = place;
    let isUnknown = false;
    return patiently(async () => {
      // The answer to a commit can be lost, and the commit be there.
      const written = isUnknown ? await this.findWritten(chunk) : null;
      if (written) return written;
      isUnknown = true;
      try {
        return await this.tryOnce(run, chunk, place.waiting, isAlone);
      } catch (error) {
        if (error instanceof ConnectionGone) throw connectionClosed();
        if (!(error instanceof PlannedTooEarly)) throw error;
      }
      await place.settleBefore();
      isAlone = true;
      return this.tryOnce(run, chunk, place.waiting, isAlone);
    });
  }

  private async tryOnce(
    run: PushRun,
    chunk: StreamChunk,
    waiting: readonly Waiting[],
    isAlone: boolean,
  ): Promise<RunCounts> {
    const last = waiting.at(-1);
    if (!last) {
      const { counts } = run;
      // A pull goes on after its last part, though that had nothing to write.
      if (counts.failed > 0 || chunk.place !== undefined) await this.writeOutcome(chunk, run.results);
      return counts;
    }
    last.submission.ofChunk = {
      size: waiting.length,
      conclude: (settled) => {
        const results = [...run.results];
        for (const [index, result] of run.readResults(waiting, settled)) results[index] = result;
        assertInPlace(settled, isAlone);
        const held = entryRows(this.runOf(), waiting, settled, (index) => chunk.numbers[index] ?? 0);
        return { rows: [...this.outcomeRows(chunk, results), ...held], events: [] };
      },
    };
    const submissions = waiting.map(({ submission }) => submission);
    run.note(waiting, await this.provisioning.submitChunk(this.order.principal.tenantId, submissions));
    return run.counts;
  }

  private runOf() {
    const { runId: id, principal, known } = this.order;
    return { id, tenantId: principal.tenantId, connectionId: known.row.id };
  }

  private async findWritten({ from }: StreamChunk): Promise<RunCounts | null> {
    const { runId } = this.order;
    return (await this.database.read.findOneBy(RunPartEntity, { runId, part: from }))?.counts ?? null;
  }

  private async writeOutcome(chunk: StreamChunk, results: readonly RecordResult[]): Promise<void> {
    const { part, failures } = this.outcomeOf(chunk, results);
    await this.database.transaction(async (tx) => {
      await insertRows(tx, 'run_parts', PART_COLUMNS, [part]);
      await insertFailures(tx, failures);
    });
  }

  private outcomeRows(chunk: StreamChunk, results: readonly RecordResult[]): TableRow[] {
    const { part, failures } = this.outcomeOf(chunk, results);
    return [
      { table: 'run_parts', columns: PART_COLUMNS, values: part },
      ...failures.map((values) => ({ table: 'run_failures', columns: FAILURE_COLUMNS, values })),
    ];
  }

  private outcomeOf(chunk: StreamChunk, results: readonly RecordResult[]) {
    const { runId, principal } = this.order;
    const { from, to, digest, numbers, place } = chunk;
    const counts = JSON.stringify(countResults(results));
    const goOn = place ? JSON.stringify(place) : null;
    const part: SqlValue[] = [runId, from, principal.tenantId, to, digest, counts, goOn];
    const now = this.clock.now();
    const of = { id: runId, tenantId: principal.tenantId };
    const failures = failuresOf(results, (index) => numbers[index] ?? 0).map((each) => failureRow(of, each, now));
    return { part, failures };
  }
}

/** Before anything is written. Throws where what was planned cannot be the outcome. */
function assertInPlace(settled: readonly Settled[], isAlone: boolean): void {
  if (settled.some(({ kind }) => kind === 'moved')) throw new ConnectionGone();
  const hasFailed = settled.some((one) => one.kind === 'failed' || (one.kind === 'planned' && isFailure(one.outcome)));
  if (hasFailed && !isAlone) throw new PlannedTooEarly();
}

function isFailure({ result }: { result: string }): boolean {
  return result === 'failed' || result === 'refused';
}
