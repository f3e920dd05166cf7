import type { SnapshotTruth } from '../../plan/missing.js';
import { normaliseKey } from '../../platform/text-key.js';
import type { RemovalGuard } from '../../provisioning/removal-guard.js';
import { scopeOf } from '../../records/sync-runs/run-people.js';
import type { Settled } from '../../provisioning/submission.js';
import type { RunCounts, RunEntity } from '../../records/sync-runs/run.entity.js';
import { type DonePart, withParts } from '../../records/sync-runs/run-state.js';
import { ChunkWriter } from './chunk-writer.js';
import { guardOf, guardRecords } from './held-records.js';
import { patiently } from './patience.js';
import { connectionClosed } from './push-connection.js';
import type { PushParts } from './push-parts.js';
import { PushRun } from './push-run.js';
import type { StreamChunk } from './read-lines.js';
import { RemovalPreview } from './removal-preview.js';
import { runOf } from './run-of-push.js';
import { SeenNotes } from './seen-notes.js';
import { assertStillAllowed } from './still-allowed.js';
import type { StreamOrder } from './stream-order.js';
import { findStoredPushes } from './stored-pushes.js';
import { StreamProgress } from './stream-progress.js';
import { type IncomingRecord, nameRecords } from './sync-chunk.js';

/** A chunk on its way. */
interface Flight {
  ids: ReadonlySet<string>;
  /** User names that it states, once its records are read. */
  names: Promise<ReadonlySet<string>>;
  done: Promise<void>;
}

const LOOK_AGAIN_MS = 1000;

/**
 * Commits the chunks of a stream: while some are being written the next is read. The outcome is that of one after the
 * other: a chunk waits for those before it that speak of the same people or names.
 */
export class StreamRun {
  readonly progress = new StreamProgress();
  /** Whom its lines named that left nothing else to be written. */
  readonly notes: SeenNotes;
  private readonly flights: Flight[] = [];
  private readonly halt = new AbortController();
  private readonly writer: ChunkWriter;
  private readonly guard: RemovalGuard;
  private readonly flightsMax: number;
  private lookedAt = performance.now();

  constructor(
    private readonly parts: PushParts,
    readonly order: StreamOrder,
  ) {
    // One is written, one planned, one sorted out; SQLite works on one at a time anyway. A pull goes on after its last
    // part: there may be no gap before that.
    this.flightsMax = order.request.kind === 'pull' ? 1 : parts.database.engine === 'mysql' ? 3 : 2;
    this.guard = guardOf(order.known, 'hold', scopeOf(order.request));
    this.notes = new SeenNotes(parts, order);
    this.writer = new ChunkWriter(parts, order, this.notes);
  }

  get mode(): 'upsert' | 'snapshot' {
    return this.order.request.mode;
  }

  /** What it is the whole truth of; null: of nothing. */
  get truth(): SnapshotTruth | null {
    const { known, request, since } = this.order;
    return since === null ? null : { connectionId: known.row.id, scope: request.scope, statedAt: since };
  }

  /** Aborted when a chunk could not be committed; its reason says why. */
  get halted(): AbortSignal {
    return this.halt.signal;
  }

  /** Goes on with what an earlier try has done. */
  resume(stored: RunEntity, parts: readonly (DonePart & { digest: string })[]): void {
    if (this.order.since !== null) this.order.since = stored.statedAt ?? this.order.since;
    if (this.order.request.kind === 'pull') this.progress.goOn(withParts(stored, parts));
    else this.progress.resume(stored, parts);
  }

  /** An earlier try has left something of the identity waiting. */
  waitBehind(identityId: string): void {
    this.guard.noteWaiting([identityId]);
  }

  /** Begins to commit a chunk; settles when the next one may come. Throws what another chunk has failed for. */
  async take(chunk: StreamChunk): Promise<void> {
    if (this.progress.passOver(chunk)) return;
    await this.lookAgain();
    const records = await nameRecords(chunk.records, this.order.request);
    const ids = new Set<string>();
    for (const { externalId } of records) if (externalId !== null) ids.add(externalId);
    while (this.flights.length >= this.flightsMax) await Promise.race(this.flights.map(({ done }) => done));
    this.halt.signal.throwIfAborted();
    this.launch(chunk, records, ids);
  }

  /** Settles when all is committed. Throws what a chunk has failed for, and if an earlier try has had more lines. */
  async finish(): Promise<void> {
    await this.land();
    this.halt.signal.throwIfAborted();
    this.progress.assertCaughtUp();
  }

  /** Settles when nothing is under way any more, whatever became of it. */
  async land(): Promise<void> {
    await Promise.all(this.flights.map(({ done }) => done));
  }

  /** Of a dry run: what it would take away is noted there, chunk by chunk. */
  openPreview(): RemovalPreview {
    return new RemovalPreview({ ...runOf(this.order), truth: this.truth }, this.guard);
  }

  /** What would become of a chunk, were it alone; writes nothing. */
  async preview(chunk: StreamChunk, removals: RemovalPreview): Promise<PushRun> {
    await this.lookAgain();
    const records = await nameRecords(chunk.records, this.order.request);
    const { run, waiting } = await this.sortOut(chunk, records);
    const { settled } = await this.parts.provisioning.plan(waiting.map(({ submission }) => submission));
    const planned = settled.map((one): Settled => (one.kind === 'held' ? { ...one, kind: 'planned' } : one));
    run.note(waiting, planned);
    const numberOf = (index: number) => chunk.numbers[index] ?? 0;
    removals.note(settled, run.naming(run.results, this.parts.clock.now(), numberOf));
    return run;
  }

  private launch(chunk: StreamChunk, records: IncomingRecord[], ids: ReadonlySet<string>): void {
    const before = [...this.flights];
    const { promise: names, resolve: tellNames } = Promise.withResolvers<ReadonlySet<string>>();
    const work = async (): Promise<void> => {
      try {
        this.progress.note(chunk, await this.commit(chunk, records, { ids, before, tellNames }));
      } catch (error) {
        this.halt.abort(error);
      } finally {
        tellNames(new Set());
        this.flights.splice(this.flights.indexOf(flight), 1);
      }
    };
    const flight: Flight = { ids, names, done: Promise.resolve() };
    this.flights.push(flight);
    flight.done = work();
  }

  private async commit(
    chunk: StreamChunk,
    records: IncomingRecord[],
    around: {
      ids: ReadonlySet<string>;
      before: readonly Flight[];
      tellNames(names: ReadonlySet<string>): void;
    },
  ): Promise<RunCounts> {
    const { ids, before, tellNames } = around;
    for (const flight of before) if (overlap(ids, flight.ids)) await flight.done;
    const { run, waiting } = await this.sortOut(chunk, records);
    const names = new Set<string>();
    for (const { submission } of waiting) {
      const { userName } = submission.statement.fields;
      if (typeof userName === 'string') names.add(normaliseKey(userName));
    }
    tellNames(names);
    for (const flight of before) if (overlap(names, await flight.names)) await flight.done;
    const settleBefore = async (): Promise<void> => {
      await Promise.all(before.map(({ done }) => done));
      this.halt.signal.throwIfAborted();
    };
    this.halt.signal.throwIfAborted();
    return this.writer.write(run, chunk, { waiting, isAlone: before.length === 0, settleBefore });
  }

  private async sortOut(chunk: StreamChunk, records: IncomingRecord[]) {
    const { runId, principal, known, request, since } = this.order;
    const pushed = { ...request, records: chunk.records, atomic: false, since, startedAt: this.parts.clock.now() };
    const run = new PushRun(runId, principal, known, pushed, records);
    const stored = await patiently(() => findStoredPushes(this.parts.database.read, known.row.id, records));
    const waiting = await run.sortOut(records, stored);
    guardRecords(waiting, this.guard);
    return { run, waiting };
  }

  /** A stream may last for hours: rules may be saved meanwhile, the connection closed, the key or the role taken away. */
  private async lookAgain(): Promise<void> {
    if (performance.now() - this.lookedAt < LOOK_AGAIN_MS) return;
    this.lookedAt = performance.now();
    const { database, clock } = this.parts;
    const known = await patiently(() => this.parts.policies.find(this.order.known.row.id));
    const isPull = this.order.request.kind === 'pull';
    const pushesTo = isPull ? null : (known?.row ?? null);
    await patiently(() => assertStillAllowed(database.read, this.order.principal, pushesTo, clock.now()));
    if (!known?.tenantActive || known.row.status !== 'active') throw connectionClosed();
    this.order.known = known;
  }
}

function overlap(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  for (const each of one) if (other.has(each)) return true;
  return false;
}
