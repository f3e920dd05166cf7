import { Injectable } from '@nestjs/common';
import { type EntityManager, MoreThan } from 'typeorm';
import { Problem } from '../../platform/problem.js';
import type { Decision } from '../../provisioning/decide-run.js';
import { Idempotency, type HeldRequest } from '../../provisioning/idempotency.js';
import { RunEntity, RunFailureEntity, RunPartEntity } from '../../records/sync-runs/run.entity.js';
import { readEntries } from '../../records/sync-runs/run-entries.js';
import { RunJournal } from '../../records/sync-runs/run-journal.js';
import { assertOnlySnapshot } from '../../records/sync-runs/only-snapshot.js';
import { isComplete } from '../../records/sync-runs/run-state.js';
import { RunFailureView } from '../../records/sync-runs/sync-runs.dto.js';
import { patiently } from './patience.js';
import { PushParts } from './push-parts.js';
import { type ClockMark, countMissing, noteEarlierTry, type SnapshotEnd, Snapshots, toRunEnd } from './snapshots.js';
import { rowOf, runOf } from './run-of-push.js';
import type { StreamOrder } from './stream-order.js';
import type { TakenStream } from './stream-progress.js';
import { StreamRun } from './stream-run.js';
import type { StreamAnswerDto } from './stream.dto.js';

const FAILURES_SHOWN = 100;
const NO_COUNTS = { created: 0, updated: 0, unchanged: 0, deactivated: 0, stale: 0, held: 0, failed: 0 };

type Ended = Pick<RunEntity, 'id' | 'mode' | 'status' | 'counts' | 'upTo' | 'error'>;

/** A stream whose run is written down and under way. */
export interface OpenStream {
  runId: string;
  run: StreamRun;
  journal: RunJournal;
  phase: 'receiving' | 'writing';
  held: HeldRequest | null;
  /** When this process began to work on it. */
  mark: ClockMark;
  /** Why what was received is not all that there is to say, though it has an end. */
  incomplete?: string | null;
  /** What else is written with the end of the run. */
  atEnd?(tx: EntityManager, status: 'finished' | 'broken' | 'cancelled', problem: Problem | null): Promise<void>;
}

/** The answer that a stream had, if this is the same stream once more: that is known when it is read. */
export interface AnsweredStream {
  answer: StreamAnswerDto;
  taken: TakenStream;
}

/** The runs of streams: how they begin or are gone on with, how they end or break. */
@Injectable()
export class StreamRuns {
  constructor(
    readonly parts: PushParts,
    readonly snapshots: Snapshots,
    private readonly idempotency: Idempotency,
  ) {}

  /** Writes the run down; under a key that came before, goes on where that try has ended, or gives its answer. */
  async open(given: StreamOrder, requestKey: string | null): Promise<OpenStream | AnsweredStream> {
    const { principal, runId, request } = given;
    const { statedAt, kind, mode, scope } = request;
    const same = Buffer.from(JSON.stringify(['stream', kind, statedAt, given.known.row.id, mode, scope]));
    const held = requestKey === null ? null : await this.idempotency.begin(principal.id, requestKey, same, runId);
    if (held && 'answer' in held) return this.readAnswered(held.answer);
    const order = { ...given, runId: held?.runId ?? runId };
    if (held?.isResumed) {
      const answered = await this.findAnswered(order.runId, held);
      if (answered) return answered;
    }
    const run = new StreamRun(this.parts, order);
    const mark = this.snapshots.markClock();
    const opened = { runId: order.runId, run, held, mark, phase: 'receiving' as OpenStream['phase'] };
    try {
      const journal = await this.openJournal(order, opened);
      return Object.assign(opened, { journal });
    } catch (error) {
      if (held) await this.pause(held).catch(() => undefined);
      throw error;
    }
  }

  /** Settles when all is committed, and the run has ended with it. */
  async finish(opened: OpenStream): Promise<StreamAnswerDto> {
    const { run, journal, held, runId } = opened;
    try {
      await run.finish();
      journal.stopped.throwIfAborted();
      const end = await this.takeStock(opened);
      const decision = (run.progress.counts.held ?? 0) > 0 || end ? await this.settleHeld(opened, end) : 'nothing';
      await journal.close();
      const answer = await patiently(async () => {
        const error = end?.error ?? null;
        const ended = { id: runId, mode: run.mode, status: 'finished', error, ...run.progress } as const;
        const told = await this.answerOf(decision === 'nothing' ? ended : await this.read(runId));
        await this.parts.database.transaction(async (tx) => {
          if (decision === 'nothing') await journal.end(tx, 'finished', error);
          await opened.atEnd?.(tx, 'finished', null);
          if (held) await this.idempotency.finish(tx, held, JSON.stringify(told));
        });
        return told;
      });
      await patiently(() => run.notes.settle(run.progress.upTo));
      return answer;
    } catch (error) {
      throw await this.break(
        opened,
        error instanceof Problem ? error : new Problem('internal', undefined, { cause: error }),
      );
    }
  }

  /** Ends the run where it is. Returns the problem with the run and how far it came. */
  async break(opened: OpenStream, problem: Problem): Promise<Problem> {
    const { run, journal, held, runId } = opened;
    await run.land();
    await journal.close();
    const { upTo, counts } = run.progress;
    const status = problem.code === 'run_cancelled' ? 'cancelled' : 'broken';
    await this.parts.database
      .transaction(async (tx) => {
        await journal.end(tx, status, problem.detail ?? problem.title);
        await opened.atEnd?.(tx, status, problem);
        if (held) await this.idempotency.pause(tx, held);
      })
      .then(() => run.notes.settle(upTo))
      // Another try has taken it, or the database is away: then the run is told as broken for want of a sign of life.
      .catch(() => undefined);
    const extra = { ...problem.options.extra, run: runId, upTo, counts: { ...NO_COUNTS, ...counts } };
    return new Problem(problem.code, problem.detail, { ...problem.options, extra });
  }

  /** Stops working on a run that another instance shall carry on. */
  async leave({ run, journal }: OpenStream): Promise<void> {
    await run.land();
    await journal.close();
  }

  private openJournal(order: StreamOrder, opened: Omit<OpenStream, 'journal'>): Promise<RunJournal> {
    const { database, clock } = this.parts;
    const { run, held, mark } = opened;
    return RunJournal.open(
      database,
      clock,
      {
        run: { ...rowOf(order, order.request, order.since, clock.now()), phase: 'receiving', digest: '' },
        admit: (tx) => assertOnlySnapshot(tx, rowOf(order, order.request, order.since, clock.now())),
        progress: () => {
          const { counts, upTo, digest } = run.progress;
          return { phase: opened.phase, counts, upTo, digest };
        },
        ...(held ? { beat: (tx: EntityManager) => this.idempotency.extend(tx, held) } : {}),
        beside: run.notes,
      },
      async (stored) => {
        const { id: runId, upTo } = stored;
        noteEarlierTry(mark, stored);
        const where = { runId, part: MoreThan(upTo) };
        const parts = await database.read.find(RunPartEntity, { where, order: { part: 'ASC' } });
        run.resume(stored, parts);
        for await (const { identityId } of readEntries(database.read, runId, 'waiting')) {
          run.waitBehind(String(identityId));
        }
      },
    );
  }

  /** Of a snapshot: who is missing from it. */
  private async takeStock({ run, journal, mark, incomplete = null }: OpenStream): Promise<SnapshotEnd | null> {
    const { truth } = run;
    if (!truth) return null;
    await patiently(() => journal.tell());
    if (incomplete !== null) {
      await patiently(() => this.snapshots.admitPeople(runOf(run.order), truth, journal.stopped));
      return { missing: 0, error: `Nobody is taken for missing: ${incomplete}` };
    }
    return patiently(() => this.snapshots.gather(runOf(run.order), truth, mark, journal.stopped));
  }

  /** What it takes away is applied, or held; the run's row says which. */
  private async settleHeld({ runId, run, journal }: OpenStream, end: SnapshotEnd | null): Promise<Decision> {
    await patiently(() => journal.stopTelling());
    const { counts, upTo, digest } = run.progress;
    const said = { counts, upTo, digest, holder: journal.holder, ...(end ? toRunEnd(end) : {}) };
    return patiently(() => this.parts.removals.decide(runId, said));
  }

  private async readAnswered(text: string): Promise<AnsweredStream> {
    const answer = JSON.parse(text) as StreamAnswerDto;
    return { answer, taken: await this.read(answer.run) };
  }

  /** The answer of a run of which an earlier try has sent all, and not heard what became of it. */
  private async findAnswered(runId: string, held: HeldRequest): Promise<AnsweredStream | null> {
    const stored = await this.parts.database.read.findOneBy(RunEntity, { id: runId });
    if (!stored || !isComplete(stored)) return null;
    await this.parts.removals.decide(runId);
    const run = await this.read(runId);
    const answer = await this.answerOf(run);
    await this.parts.database.transaction((tx) => this.idempotency.finish(tx, held, JSON.stringify(answer)));
    return { answer, taken: run };
  }

  private read(id: string): Promise<RunEntity> {
    return this.parts.database.read.findOneByOrFail(RunEntity, { id });
  }

  private async answerOf({ id, mode, status, counts, upTo, error }: Ended): Promise<StreamAnswerDto> {
    const { read } = this.parts.database;
    const failures = await read.find(RunFailureEntity, {
      where: { runId: id },
      order: { record: 'ASC' },
      take: FAILURES_SHOWN,
    });
    return {
      run: id,
      // Somebody may have agreed to it, or refused it, by now.
      status: status === 'held' || status === 'running' ? status : 'finished',
      counts: { ...NO_COUNTS, ...counts },
      upTo,
      failures: failures.map(RunFailureView.toView),
      ...(mode === 'snapshot' ? { missing: await countMissing(read, id) } : {}),
      ...(error === null ? {} : { error }),
    };
  }

  private async pause(held: HeldRequest): Promise<void> {
    await this.parts.database.transaction((tx) => this.idempotency.pause(tx, held));
  }
}
