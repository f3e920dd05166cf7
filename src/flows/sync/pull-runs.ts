import { Inject, Injectable, Logger } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { type EntityManager, IsNull, Not } from 'typeorm';
import { systemOf } from '../../platform/access.js';
import { CONFIG, type Config } from '../../platform/config.js';
import { databaseTroubleOf } from '../../platform/database-errors.js';
import { Problem } from '../../platform/problem.js';
import { Repetition } from '../../platform/repetition.js';
import { CHUNK_ITEMS_MAX } from '../../provisioning/provisioning.service.js';
import { lockSource } from '../../records/sources/lock-source.js';
import type { PullScope } from '../../records/sources/pull-schedule.js';
import { standAfterBreak, standAfterFailure } from '../../records/sources/pull-standing.js';
import { ConnectionSourceEntity } from '../../records/sources/source.entity.js';
import { RunEntity, RunPartEntity } from '../../records/sync-runs/run.entity.js';
import { tellOutcome } from '../../records/sync-runs/run-outcomes.js';
import { assertSame, sourceChanged } from './assert-same-source.js';
import { CopyCheck } from './copy-check.js';
import { patiently } from './patience.js';
import { PullReading } from './pull-chunks.js';
import { pagesOf } from './pull-pages.js';
import { connectionClosed } from './push-connection.js';
import { ReadingPace } from './reading-pace.js';
import type { PullPlace } from './read-lines.js';
import { SourceSuspensions } from './source-suspensions.js';
import { SourceFailure, type SourceReader } from './sources/source-reader.js';
import { SourceReaders } from './sources/source-readers.js';
import { type OpenStream, StreamRuns } from './stream-runs.js';

/** Under way, and what it is read from. */
interface Pull {
  opened: OpenStream;
  source: ConnectionSourceEntity;
  scope: PullScope;
  reading: PullReading;
  pace: ReadingPace;
  /** Its reason is why it may not go on, found while it is being read. */
  halt: AbortController;
  /** Aborted when it shall write no more: halted, cancelled, taken over, left, or a chunk could not be written. */
  stop: AbortSignal;
  /** What the source failed by. */
  failure: SourceFailure | null;
}

export const PULL_CHUNK_LIMITS = { recordsMax: CHUNK_ITEMS_MAX, bytesMax: 4 * 1024 * 1024 };
/** A reading that has come somewhere is not given up for one answer that fails. */
const RETRIES_MS = [500, 3000, 15_000];

const LOOK_MS = 1000;
/** So often in a row, on one instance, a run may be left at the same place. */
const STALLS_MAX = 3;

/** Carries out pulls: reads a source page by page, and commits what it says as a stream's lines are. */
@Injectable()
export class PullRuns {
  private readonly logger = new Logger(PullRuns.name);
  /** Where runs were left for what passes, and how often. */
  private readonly stalls = new Map<string, { upTo: number; times: number }>();

  constructor(
    private readonly streams: StreamRuns,
    private readonly readers: SourceReaders,
    private readonly copies: CopyCheck,
    private readonly suspensions: SourceSuspensions,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Carries a run out, or on from where another instance has left it; `leave` makes it stop for the next one. Call it
   * with nobody else working on it.
   */
  async carryOut(runId: string, leave: AbortSignal): Promise<void> {
    const { database, policies } = this.streams.parts;
    const run = await database.read.findOneBy(RunEntity, { id: runId });
    if (run?.status !== 'running' || run.phase === 'removing') return;
    const { connectionId, tenantId } = run;
    const source = await database.read.findOneBy(ConnectionSourceEntity, { connectionId });
    const known = await policies.find(connectionId);
    if (!source || !known) return this.abandon(run);
    const request = {
      kind: 'pull',
      statedAt: null,
      connectionId,
      dryRun: false,
      mode: run.mode ?? 'upsert',
      scope: run.scope,
      isCopy: source.type === 'rollcall',
    } as const;
    // What a source says is said by the connection, whoever asked for it to be read.
    const principal = systemOf(tenantId);
    const opened = await this.streams.open({ runId, principal, known, request, since: run.statedAt }, null);
    if ('answer' in opened) return;
    const begin = await this.findPlace(source, runId);
    const halt = new AbortController();
    const pull: Pull = {
      opened,
      source,
      scope: run.mode === 'snapshot' ? 'full' : 'changes',
      reading: new PullReading(begin, opened.run.progress.upTo, PULL_CHUNK_LIMITS),
      pace: new ReadingPace(undefined, undefined, begin.waitedMs),
      halt,
      stop: AbortSignal.any([opened.run.halted, opened.journal.stopped, leave, halt.signal]),
      failure: null,
    };
    opened.atEnd = (tx, status, problem) => this.noteEnd(tx, pull, status, problem);
    await this.read(pull, leave);
  }

  private async read(pull: Pull, leave: AbortSignal): Promise<void> {
    const { opened, source, scope, reading, stop } = pull;
    let reader: SourceReader;
    try {
      if (reading.version !== source.version) throw sourceChanged();
      reader = this.readers.open(source);
      await this.takeWatched(pull, reader, scope);
      opened.phase = 'writing';
      await opened.run.finish();
      opened.incomplete = reading.ended?.incomplete ?? null;
    } catch (error) {
      if (leave.aborted) return this.streams.leave(opened);
      const cause: unknown = stop.aborted ? stop.reason : error;
      if (passes(cause) && this.mayStall(pull, cause)) return this.streams.leave(opened);
      if (cause instanceof SourceFailure) pull.failure = cause;
      await this.streams.break(opened, this.toProblem(cause));
      return;
    }
    // The run says that it failed; here, what it was that is not for its readers.
    await this.streams.finish(opened).catch(({ cause }: Problem) => cause !== undefined && this.logger.error(cause));
    // The run is told already; what could not be compared now is compared after the next one.
    const ended = { runId: opened.runId, version: source.version };
    await this.copies.check(ended, reader, systemOf(source.tenantId), leave).catch((error: unknown) => {
      this.logger.warn(`A copy was not compared: ${String(error)}`);
    });
  }

  /** Reads to the end, and looks meanwhile whether it may: also while nothing comes. Throws as `takeAll` does. */
  private async takeWatched(pull: Pull, reader: SourceReader, scope: PullScope): Promise<void> {
    const trouble = 'A pull goes on unwatched';
    const watch = new Repetition(() => this.look(pull), { everyMs: LOOK_MS, logger: this.logger, trouble });
    watch.start();
    try {
      await this.takeAll(pull, reader, scope);
    } finally {
      await watch.stop();
    }
  }

  private async look(pull: Pull): Promise<void> {
    const { source, pace, halt } = pull;
    try {
      pace.check();
      await assertSame(this.streams.parts.database.read, pull);
      const known = await this.streams.parts.policies.find(source.connectionId);
      if (!known?.tenantActive || known.row.status !== 'active') throw connectionClosed();
    } catch (error) {
      if (passes(error)) throw error;
      halt.abort(error);
    }
  }

  /** Reads to the end. Throws SourceFailure where the source fails, time and again or before it has said anything. */
  private async takeAll(pull: Pull, reader: SourceReader, scope: PullScope): Promise<void> {
    const { reading, stop } = pull;
    for (let retries = 0; !reading.ended; retries++) {
      const before = reading.place;
      try {
        await this.takePages(pull, reader, scope);
        if (reading.ended) return;
        throw new SourceFailure('unreachable', 'The source stopped in the middle.');
      } catch (error) {
        if (stop.aborted || !(error instanceof SourceFailure) || error.kind !== 'unreachable') throw error;
        // One that breaks off at the same place each time comes nowhere.
        if (!isDeepStrictEqual(reading.place.page, before.page)) retries = 0;
        const waitMs = Math.max(RETRIES_MS[retries] ?? Infinity, (error.retryAfterSeconds ?? 0) * 1000);
        const hasBegun = (reading.place.page ?? null) !== null;
        if (!hasBegun || waitMs > 60_000) throw error;
        await sleep(waitMs, undefined, { signal: stop });
      }
    }
  }

  private async takePages(pull: Pull, reader: SourceReader, scope: PullScope) {
    const { opened, source, reading, pace, stop } = pull;
    const { read } = this.streams.parts.database;
    const { state, page } = reading.place;
    const pages = pagesOf(read, source, reader.read({ state, page }, scope, stop));
    for await (const chunk of reading.cut(pace.measure(pages))) {
      await patiently(() => assertSame(read, pull));
      const place = chunk.place && { ...chunk.place, waitedMs: Math.round(pace.totalWaitedMs) };
      await opened.run.take({ ...chunk, place });
      stop.throwIfAborted();
    }
  }

  /** What does not pass after all is a failure: nothing is read for ever without coming anywhere. */
  private mayStall({ opened: { runId, run } }: Pull, cause: unknown): boolean {
    const { upTo } = run.progress;
    const before = this.stalls.get(runId);
    const times = before?.upTo === upTo ? before.times + 1 : 1;
    if (times > STALLS_MAX) return !this.stalls.delete(runId);
    this.stalls.set(runId, { upTo, times });
    this.logger.warn(`Pull ${runId} waits: ${String(cause)}`);
    return true;
  }

  private async findPlace({ version, state }: ConnectionSourceEntity, runId: string): Promise<PullPlace> {
    const part = await this.streams.parts.database.read.findOne(RunPartEntity, {
      where: { runId, place: Not(IsNull()) },
      order: { part: 'DESC' },
    });
    return (part?.place as PullPlace | undefined) ?? { version, state, page: null, ended: null };
  }

  /** Written with the end of the run. */
  private async noteEnd(tx: EntityManager, pull: Pull, status: string, problem: Problem | null): Promise<void> {
    const { source, opened, reading, failure, scope } = pull;
    const { connectionId, version } = source;
    const { runId } = opened;
    const mine = { connectionId, version };
    this.stalls.delete(runId);
    if (status === 'finished') {
      await tx.update(ConnectionSourceEntity, mine, { state: reading.place.state as object, failures: 0 });
      return;
    }
    if (status === 'cancelled' || !problem) return;
    const stored = await lockSource(tx, connectionId);
    // Removed, and perhaps another one set in its place: that has not asked for this run.
    if (stored?.lastRunId !== runId || stored.suspendedAt !== null) return;
    const now = this.streams.parts.clock.now();
    if (stored.version !== version) {
      // Nothing is known to be wrong with the source as it is set now.
      return void (await tx.update(ConnectionSourceEntity, { connectionId }, standAfterBreak(stored, scope, now)));
    }
    // Else the connection was closed for a while, or there was too much to do here.
    const isOfSource = problem.code === 'source_failed' || problem.code === 'internal';
    const standing = standAfterFailure(
      stored,
      scope,
      {
        isRefusal: failure?.kind === 'unauthorized',
        isBusy: failure?.isBusy ?? !isOfSource,
        detail: problem.detail ?? problem.title,
        retryAfterSeconds: failure?.retryAfterSeconds ?? null,
      },
      now,
      this.config.SOURCE_FAILURES_MAX,
    );
    await tx.update(ConnectionSourceEntity, mine, standing);
    if (standing.suspendedAt === null) return;
    await this.suspensions.record(tx, source, standing.suspendedReason, runId);
  }

  /** Its connection or source is gone. */
  private async abandon(run: RunEntity): Promise<void> {
    const { database, clock } = this.streams.parts;
    const error = 'There is nothing to read from any more.';
    const over = { status: 'broken', phase: 'ended', error, finishedAt: clock.now() } as const;
    await database.transaction(async (tx) => {
      const { affected } = await tx.update(RunEntity, { id: run.id, status: 'running' }, over);
      if (affected === 1) tellOutcome(tx, run, 'broken', error);
    });
  }

  private toProblem(error: unknown): Problem {
    if (error instanceof Problem) return error;
    if (error instanceof SourceFailure) return new Problem('source_failed', error.message, { cause: error });
    this.logger.error(error);
    return new Problem('internal', undefined, { cause: error });
  }
}

/** It is not the source's fault, and whoever takes the run next can go on. */
function passes(error: unknown): boolean {
  if (error instanceof Problem) return error.code === 'overloaded' || error.code === 'database_unavailable';
  // `duplicate`: one that was thought dead has come back, and has written this part; it goes on behind that.
  return databaseTroubleOf(error) !== null;
}
