import { type EntityManager, Not } from 'typeorm';
import type { Clock } from '../../platform/clock.js';
import type { Database } from '../../platform/database.js';
import { newId } from '../../platform/ids.js';
import { Problem } from '../../platform/problem.js';
import { rowLock } from '../../platform/row-locks.js';
import { dropWaiting } from './held-runs.js';
import { type RunCounts, RunEntity, RunPartEntity } from './run.entity.js';
import { tellOutcome } from './run-outcomes.js';
import { countBefore } from './run-people.js';
import { isComplete } from './run-state.js';

const BEAT_MS = 250;

export interface RunProgress {
  phase: RunEntity['phase'];
  counts: RunCounts;
  upTo: number;
  digest: string | null;
}

export interface Journalled {
  run: RunEntity;
  progress(): RunProgress;
  /** Throws what forbids the run to begin, before its row is there. */
  admit?(tx: EntityManager): Promise<void>;
  /** What belongs to the records up to `upTo`, and is written when the run says that they are done with. */
  beside?: { write(tx: EntityManager, upTo: number): Promise<void>; settle(upTo: number): Promise<void> };
  /** What else says that the work goes on, in the transaction of each beat. */
  beat?(tx: EntityManager): Promise<void>;
}

/**
 * Keeps the row of a run current while this process works on it: from its start, four times a second, at its end. Hears there
 * that the run was cancelled, or taken over while this process was thought dead: then `stopped` is aborted, its reason
 * the Problem to answer with.
 */
export class RunJournal {
  private readonly stop = new AbortController();
  /** Whoever writes to the run says that it is this process's still. */
  readonly holder = newId();
  private tells = true;
  private timer: NodeJS.Timeout | null = null;
  private beating: Promise<void> = Promise.resolve();

  private constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly work: Journalled,
  ) {}

  /**
   * Writes the run's row; if it is there already, goes on with it, and `adopt` is told how it stands. Throws
   * `run_cancelled`, and `conflict` if nothing is left to go on with.
   */
  static async open(
    database: Database,
    clock: Clock,
    work: Journalled,
    adopt: (stored: RunEntity) => Promise<void> = () => Promise.resolve(),
  ): Promise<RunJournal> {
    const journal = new RunJournal(database, clock, work);
    const stored = await journal.begin();
    if (stored) {
      if (stored.cancelAt !== null) throw cancelled(stored.id);
      await adopt(stored);
    }
    journal.timer = setInterval(() => void journal.beat(), BEAT_MS);
    return journal;
  }

  get stopped(): AbortSignal {
    return this.stop.signal;
  }

  /**
   * Writes the end of the run in the transaction of its last effect. Throws `conflict` if it was taken over, or if it is
   * decided on already and shall end otherwise than by that, or was called off.
   */
  async end(tx: EntityManager, status: 'finished' | 'broken' | 'cancelled', error: string | null): Promise<void> {
    const { run, progress, beside } = this.work;
    const now = this.clock.now();
    const over = { status, error: error?.slice(0, 500) ?? null, finishedAt: now, aliveAt: now };
    const said = progress();
    // What a run takes away goes on, or waits for an admin, without whoever began it: they may not have heard of that.
    const undecided = { status: 'running', phase: Not('removing' as const) } as const;
    const { affected } = await tx.update(
      RunEntity,
      { id: run.id, holder: this.holder, ...(status === 'finished' ? { status: Not('cancelled') } : undecided) },
      { ...(this.tells ? said : {}), ...over, phase: 'ended' },
    );
    if (affected !== 1) throw new Problem('conflict', 'Another try of this request goes on with it.');
    tellOutcome(tx, run, status, error);
    if (status === 'cancelled') await dropWaiting(tx, run.id);
    await beside?.write(tx, said.upTo);
    if (status === 'finished') await tx.delete(RunPartEntity, { runId: run.id });
  }

  /** Says what there is to say, now. Throws what keeps it from being written. */
  tell(): Promise<void> {
    const told = this.beating.then(() => this.write());
    this.beating = told.catch(() => undefined);
    return told;
  }

  /** Only signs of life from now on: what takes the run over from here writes its progress itself. */
  async stopTelling(): Promise<void> {
    await this.tell();
    this.tells = false;
    await this.beating;
  }

  /** No more beats. Call it before `end`. */
  async close(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.beating;
  }

  private async begin(): Promise<RunEntity | null> {
    const { run } = this.work;
    // Before anything is written: under a wrong scope it would bring people there, and be judged by their number.
    const isSnapshot = run.mode === 'snapshot';
    const people = isSnapshot ? await countBefore(this.database.read, run, this.clock.now()) : null;
    return this.database.transaction(async (tx) => {
      const stored = await tx.findOne(RunEntity, { where: { id: run.id }, ...rowLock(tx) });
      // An earlier try of it was not dead, but deciding on it.
      if (stored && isComplete(stored)) throw decided(run.id);
      if (!stored || stored.cancelAt === null) await this.work.admit?.(tx);
      const now = this.clock.now();
      if (!stored) await tx.insert(RunEntity, { ...run, people, holder: this.holder, aliveAt: now });
      else if (stored.cancelAt !== null) {
        await tx.update(RunEntity, { id: run.id }, { status: 'cancelled', phase: 'ended', finishedAt: now });
        tellOutcome(tx, run, 'cancelled');
        await dropWaiting(tx, run.id);
      } else {
        const again = { status: 'running', phase: run.phase, error: null, finishedAt: null, aliveAt: now } as const;
        await tx.update(RunEntity, { id: run.id }, { ...again, people: stored.people ?? people, holder: this.holder });
      }
      return stored;
    });
  }

  private async beat(): Promise<void> {
    // A database that does not answer is met by the work itself, which knows how long it is worth waiting.
    await this.tell().catch(() => undefined);
  }

  private async write(): Promise<void> {
    const { run, progress, beat, beside } = this.work;
    const progressed = progress();
    const told = this.tells ? progressed : {};
    const said = await this.database.transaction(async (tx) => {
      const mine = { id: run.id, holder: this.holder };
      const { affected } = await tx.update(RunEntity, mine, { ...told, aliveAt: this.clock.now() });
      if (affected !== 1) return 'taken';
      await beside?.write(tx, progressed.upTo);
      await beat?.(tx);
      return (await tx.findOneByOrFail(RunEntity, mine)).cancelAt === null ? 'going' : 'cancelled';
    });
    if (said === 'cancelled') this.stop.abort(cancelled(run.id));
    if (said === 'taken') this.stop.abort(new Problem('conflict', 'Another try of this request goes on with it.'));
    else await beside?.settle(progressed.upTo);
  }
}

function decided(run: string): Problem {
  const detail = 'All of it has come in with an earlier try of this request; send it again to hear what became of it.';
  return new Problem('conflict', detail, { retryAfterSeconds: 1, extra: { run } });
}

function cancelled(run: string): Problem {
  return new Problem('run_cancelled', undefined, { extra: { run } });
}
