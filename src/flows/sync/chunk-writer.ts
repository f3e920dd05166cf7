import type { SqlValue } from '../../platform/database.js';
import { insertRows } from '../../platform/sql.js';
import type { Settled, TableRow } from '../../provisioning/submission.js';
import { type RunCounts, RunPartEntity } from '../../records/sync-runs/run.entity.js';
import { FAILURE_COLUMNS, failureRow, insertFailures } from '../../records/sync-runs/run-rows.js';
import { SEEN_COLUMNS, seenRows } from '../../records/sync-runs/seen-names.js';
import { entryRows } from './held-records.js';
import { patiently } from './patience.js';
import { connectionClosed } from './push-connection.js';
import type { PushRun, Waiting } from './push-run.js';
import type { StreamChunk } from './read-lines.js';
import type { PushNaming, SeenNotes } from './seen-notes.js';
import type { PushParts } from './push-parts.js';
import { runOf } from './run-of-push.js';
import type { StreamOrder } from './stream-order.js';
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
    private readonly parts: PushParts,
    private readonly order: StreamOrder,
    private readonly notes: SeenNotes,
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
      const naming = this.namingOf(run, chunk, run.results);
      if (counts.failed > 0 || chunk.place !== undefined) await this.writeOutcome(chunk, run.results, naming);
      else this.notes.add(naming);
      return counts;
    }
    let naming: PushNaming | null = null;
    last.submission.ofChunk = {
      size: waiting.length,
      conclude: (settled) => {
        const results = [...run.results];
        for (const [index, result] of run.readResults(waiting, settled)) results[index] = result;
        assertInPlace(settled, isAlone);
        const held = entryRows(runOf(this.order), waiting, settled, (index) => chunk.numbers[index] ?? 0);
        naming = this.namingOf(run, chunk, results);
        return { rows: [...this.outcomeRows(chunk, results, naming), ...held], events: [] };
      },
    };
    const submissions = waiting.map(({ submission }) => submission);
    run.note(waiting, await this.parts.provisioning.submitChunk(this.order.principal.tenantId, submissions));
    if (naming) this.notes.addNoted(naming);
    return run.counts;
  }

  private async findWritten({ from }: StreamChunk): Promise<RunCounts | null> {
    const { runId } = this.order;
    return (await this.parts.database.read.findOneBy(RunPartEntity, { runId, part: from }))?.counts ?? null;
  }

  private async writeOutcome(chunk: StreamChunk, results: readonly RecordResult[], naming: PushNaming): Promise<void> {
    const { part, failures, seen } = this.outcomeOf(chunk, results, naming);
    await this.parts.database.transaction(async (tx) => {
      await insertRows(tx, 'run_parts', PART_COLUMNS, [part]);
      await insertFailures(tx, failures);
      await insertRows(tx, 'run_seen', SEEN_COLUMNS, seen);
    });
    this.notes.addNoted(naming);
  }

  private outcomeRows(chunk: StreamChunk, results: readonly RecordResult[], naming: PushNaming): TableRow[] {
    const { part, failures, seen } = this.outcomeOf(chunk, results, naming);
    return [
      { table: 'run_parts', columns: PART_COLUMNS, values: part },
      ...seen.map((values) => ({ table: 'run_seen', columns: SEEN_COLUMNS, values })),
      ...failures.map((values) => ({ table: 'run_failures', columns: FAILURE_COLUMNS, values })),
    ];
  }

  private outcomeOf(chunk: StreamChunk, results: readonly RecordResult[], naming: PushNaming) {
    const { runId, principal } = this.order;
    const { from, to, digest, numbers, place } = chunk;
    const counts = JSON.stringify(countResults(results));
    const goOn = place ? JSON.stringify(place) : null;
    const part: SqlValue[] = [runId, from, principal.tenantId, to, digest, counts, goOn];
    const now = this.parts.clock.now();
    const of = runOf(this.order);
    const failures = failuresOf(results, (index) => numbers[index] ?? 0).map((each) => failureRow(of, each, now));
    return { part, failures, seen: seenRows(of, naming) };
  }

  private namingOf(run: PushRun, { from, numbers }: StreamChunk, results: readonly RecordResult[]): PushNaming {
    return { part: from, ...run.naming(results, this.parts.clock.now(), (index) => numbers[index] ?? from) };
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
