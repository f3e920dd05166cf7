import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { LessThanOrEqual } from 'typeorm';
import { LedgerService } from '../ledger/ledger.service.js';
import { Clock, HOUR, type Micros, MINUTE } from '../platform/clock.js';
import { Database } from '../platform/database.js';
import { Leases } from '../platform/leases.js';
import { Problem } from '../platform/problem.js';
import { Repetition } from '../platform/repetition.js';
import { selectRows } from '../platform/sql.js';
import { ConnectionEntity } from '../records/connections/connection.entity.js';
import { dropHeld, dropWaiting, eventOfRun } from '../records/sync-runs/held-runs.js';
import { RunEntity, RunEntryEntity, RunPartEntity } from '../records/sync-runs/run.entity.js';
import { tellOutcome } from '../records/sync-runs/run-outcomes.js';
import { finishedAt } from '../records/sync-runs/run-rows.js';
import { type Decision, decideRun, type RunEnd } from './decide-run.js';
import {
  CHUNK_ENTRIES,
  EntriesMoved,
  type EntryFate,
  fateOf,
  findRemoving,
  findStated,
  readDue,
  strikeEntries,
} from './due-entries.js';
import { type EntryTerms, type SubmissionMaker, submissionMakers } from './entry-submissions.js';
import { findLeaveTime, keepLeaving, wakeLeaving } from './leaving-entries.js';
import { ProvisioningService } from './provisioning.service.js';
import type { Settled } from './submission.js';

const POLL_MS = 500;
const LEASE_MS = 15_000;
/** After each chunk nothing is done for half the time that it took: who logs in meanwhile comes first. */
const PAUSE_MS_MAX = 250;
const RUNS_AT_ONCE = 100;

/** What is known of a run's people when its entries are applied. */
interface Around {
  /** The entries of those whom another push has named since. */
  stated: ReadonlySet<number>;
  /** When whoever is missing leaves; null: at once. */
  leaveAt: Micros | null;
}

/** It cannot go on now: the connection is switched off, or others keep changing somebody. It is tried again soon. */
class RunWaits extends Error {}

/**
 * Carries out what runs take away, or holds it for an admin (the safety catch). One instance at a time works on a run;
 * what is done is struck in the transaction of its effect, so that whoever takes over after a kill goes on where it was.
 */
@Injectable()
export class RemovalsService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(RemovalsService.name);
  /** When this process last looked for runs that lapse, and for those that are to be kept. */
  private lapsedAt: Micros = 0;
  private keptAt: Micros = 0;
  private readonly makers = new Map(submissionMakers);
  private readonly repetition = new Repetition(() => this.workThrough(), {
    everyMs: POLL_MS,
    logger: this.logger,
    trouble: 'Removals wait',
  });

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly leases: Leases,
    private readonly provisioning: ProvisioningService,
    private readonly ledger: LedgerService,
  ) {}

  onApplicationBootstrap(): void {
    this.repetition.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.repetition.stop();
  }

  /** How an entry becomes a statement again, for changes that a flow knows. */
  register(change: RunEntryEntity['change'], maker: SubmissionMaker): void {
    this.makers.set(change, maker);
  }

  /**
   * To be called once all that a run has to say is in, however often: what it takes away (`addEntries`) is applied, or
   * held under the safety catch of its connection, for good. Afterwards the run's row says how it ended: `held`,
   * `finished`, or `running` still where the connection is closed at the moment. With `nothing` the row is as it was.
   */
  async decide(runId: string, end: RunEnd = {}): Promise<Decision> {
    const decision = await this.database.transaction(async (tx) => {
      const decided = await decideRun(tx, runId, end, this.clock.now());
      await this.ledger.record(tx, decided.events);
      return decided.decision;
    });
    if (decision === 'due') await this.carryOut(runId);
    return decision;
  }

  /** Carries out all that is due and that no other instance works on; ends what nobody agreed to for too long. */
  async workThrough(): Promise<void> {
    await this.repetition.attempt('what lapses', () => this.lapse());
    await this.repetition.attempt('who leaves', () => this.wake());
    await this.repetition.attempt('what is kept', () => this.keep());
    for await (const id of findRemoving(this.database.read)) {
      if (this.repetition.stopping) return;
      await this.repetition.attempt(`run ${id}`, () =>
        this.leases.run(leaseOf(id), LEASE_MS, (lost) => this.applyAll(id, lost)),
      );
    }
  }

  /** Whoever has the lease does it; settles when it is done, or cannot be done now. */
  private async carryOut(runId: string): Promise<void> {
    for (;;) {
      const mine = await this.leases.run(leaseOf(runId), LEASE_MS, (lost) => this.applyAll(runId, lost));
      if (mine || this.repetition.stopping) return;
      await sleep(100);
      const run = await this.database.read.findOneBy(RunEntity, { id: runId });
      if (run?.status !== 'running') return;
    }
  }

  private async applyAll(runId: string, lost: AbortSignal): Promise<void> {
    const run = await this.database.read.findOneBy(RunEntity, { id: runId });
    if (!run) return;
    if (!(await this.mayGoOn(run))) return this.endOfConnection(run);
    // Before it is looked who was named: whoever names somebody later has to see that somebody takes away (spareNamed).
    await this.database.transaction((tx) => tx.update(RunEntity, { id: runId }, { aliveAt: this.clock.now() }));
    const stated = await findStated(this.database.read, run);
    const leaveAt = await findLeaveTime(this.database.read, run.connectionId, this.clock.now());
    try {
      for (;;) {
        if (this.repetition.stopping || lost.aborted) return;
        const entries = await readDue(this.database.read, runId);
        if (entries.length === 0) break;
        const begun = performance.now();
        await this.apply(run, entries, { stated, leaveAt }).catch((error: unknown) => {
          if (!(error instanceof EntriesMoved)) throw error;
        });
        if (entries.length >= CHUNK_ENTRIES) await sleep(Math.min(PAUSE_MS_MAX, (performance.now() - begun) / 2));
      }
      await this.end(run);
    } catch (error) {
      if (!(error instanceof RunWaits)) throw error;
      await this.endOfConnection(run);
    }
  }

  /** Asked first: it is asked again twice a second, for as long as the connection or its tenant is closed. */
  private async mayGoOn({ id: runId, connectionId }: RunEntity): Promise<boolean> {
    const { read } = this.database;
    const open = `SELECT c.id AS id FROM connections c JOIN tenants t ON t.id = c.tenantId
      WHERE c.id = ? AND c.status = 'active' AND t.status = 'active'`;
    if ((await selectRows(read, open, [connectionId])).length > 0) return true;
    return !(await read.existsBy(RunEntryEntity, { runId, state: 'due' }));
  }

  /** With a connection that is gone, its people are too. */
  private async endOfConnection(run: RunEntity): Promise<void> {
    if (await this.database.read.existsBy(ConnectionEntity, { id: run.connectionId })) return;
    await this.database.transaction((tx) => dropWaiting(tx, run.id));
    await this.end(run);
  }

  /** A chunk that is refused as a whole is written entry by entry: only the bad one stays behind. */
  private async apply(run: RunEntity, entries: readonly RunEntryEntity[], around: Around): Promise<void> {
    const { stated, leaveAt } = around;
    // Whoever is leaving, and was stated, leaves no more.
    const late = entries.filter(({ entry, dueAt }) => stated.has(entry) && dueAt === null);
    const open = entries.filter((each) => !late.includes(each));
    const termsOf = ({ entry }: RunEntryEntity) => ({ leaveAt, isStated: stated.has(entry) });
    const skipped = late.map(({ entry }): EntryFate => ({ entry, state: 'skipped' }));
    if (open.length === 0) return this.strike(run, skipped);
    const submissions = open.map((entry) => this.toSubmission(run, entry, termsOf(entry)));
    try {
      await this.provisioning.submitWhole(submissions, async (tx, { settled, now }) => {
        if (settled.some(isMoved)) throw new RunWaits();
        const fates = open.map((entry, place) => fateOf(entry, settled[place], termsOf(entry)));
        await strikeEntries(tx, run, [...skipped, ...fates], now);
      });
    } catch (error) {
      if (!(error instanceof Problem && error.status < 500)) throw error;
      const [first] = open;
      if (open.length === 1 && first) return this.giveUp(run, first, error, skipped);
      if (skipped.length > 0) await this.strike(run, skipped);
      for (const one of open)
        await this.apply(run, [one], { stated: one.dueAt === null ? new Set() : stated, leaveAt });
    }
  }

  private async giveUp(run: RunEntity, entry: RunEntryEntity, problem: Problem, skipped: EntryFate[]): Promise<void> {
    // Others keep changing this very person.
    if (problem.code === 'conflict') throw new RunWaits();
    const { code, detail, title } = problem;
    const failed = { entry: entry.entry, state: 'failed', problem: { code, detail: detail ?? title } } as const;
    await this.strike(run, [...skipped, failed]);
  }

  private async strike(run: RunEntity, fates: readonly EntryFate[]): Promise<void> {
    await this.database.transaction((tx) => strikeEntries(tx, run, fates, this.clock.now()));
  }

  private toSubmission(run: RunEntity, entry: RunEntryEntity, terms: EntryTerms) {
    const make = this.makers.get(entry.change);
    if (!make) throw new Error(`Nobody knows how to apply \`${entry.change}\`.`);
    return make(run, entry, terms);
  }

  private async end(run: RunEntity): Promise<void> {
    const { id } = run;
    const over = finishedAt(this.clock.now());
    await this.database.transaction(async (tx) => {
      const { affected } = await tx.update(RunEntity, { id, status: 'running', phase: 'removing' }, over);
      if (affected !== 1) return;
      tellOutcome(tx, run, 'finished');
      await tx.delete(RunPartEntity, { runId: id });
    });
  }

  private async wake(): Promise<void> {
    const now = this.clock.now();
    const late = `SELECT runId FROM run_entries WHERE state = 'leaving' AND dueAt <= ? LIMIT 1`;
    if ((await selectRows(this.database.read, late, [now])).length === 0) return;
    await this.database.transaction((tx) => wakeLeaving(tx, now));
  }

  /** Once an hour: runs are swept by the day. */
  private async keep(): Promise<void> {
    const now = this.clock.now();
    if (now - this.keptAt < HOUR) return;
    await this.database.transaction((tx) => keepLeaving(tx, now));
    this.keptAt = now;
  }

  /** Once a minute: whoever is late is refused by `approve` already. */
  private async lapse(): Promise<void> {
    const now = this.clock.now();
    if (now - this.lapsedAt < MINUTE) return;
    const late = { status: 'held', heldUntil: LessThanOrEqual(now) } as const;
    const runs = await this.database.read.find(RunEntity, { where: late, take: RUNS_AT_ONCE });
    for (const run of runs) {
      await this.database.transaction(async (tx) => {
        if (await dropHeld(tx, run, 'lapsed', now))
          await this.ledger.record(tx, [eventOfRun('run.lapsed', run, null, now)]);
      });
    }
    if (runs.length < RUNS_AT_ONCE) this.lapsedAt = now;
  }
}

function leaseOf(runId: string): string {
  return `removals:${runId}`;
}

function isMoved({ kind }: Settled): boolean {
  return kind === 'moved';
}
