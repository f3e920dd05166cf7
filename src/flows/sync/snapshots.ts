import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { SnapshotTruth } from '../../plan/missing.js';
import { trips } from '../../plan/safety-catch.js';
import { Clock, MINUTE, type Micros } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import type { RunEnd } from '../../provisioning/decide-run.js';
import { MissingPeople } from '../../provisioning/missing-people.js';
import { ConnectionEntity } from '../../records/connections/connection.entity.js';
import { RunEntity, RunEntryEntity, RunSeenEntity } from '../../records/sync-runs/run.entity.js';
import type { EntryOfRun } from '../../records/sync-runs/run-entries.js';
import { tellUnreadable } from './removal-preview.js';
import { findUnreadable, SEEN_KEPT } from '../../records/sync-runs/seen-names.js';

/** The clock and the time that passes, at the start of a run's work: whether they still go together at its end. */
export interface ClockMark {
  wall: Micros;
  elapsedMs: number;
}

/** An earlier try of the run has said this of itself: a clock that says less now was set, or is another's. */
export function noteEarlierTry(mark: ClockMark, { aliveAt }: Pick<RunEntity, 'aliveAt'>): void {
  mark.wall = Math.max(mark.wall, aliveAt);
}

/** What a snapshot has come to. */
export interface SnapshotEnd {
  missing: number;
  /** Why nobody was taken for missing. */
  error: string | null;
  /** Why it is to be held, whatever it takes away. */
  holdsBecause?: string;
}

/** How the run is to be decided on. What is not sure of who is missing does not put another in its place. */
export function toRunEnd({ error, holdsBecause }: SnapshotEnd): RunEnd {
  return { error, supersedes: error === null, ...(holdsBecause === undefined ? {} : { holdsBecause }) };
}

/** How many were missing from a snapshot, whatever became of them since. */
export function countMissing(read: EntityManager, runId: string): Promise<number> {
  return read.countBy(RunEntryEntity, { runId, change: 'deactivate' });
}

const CLOCK_MAY_DRIFT: Micros = MINUTE;

/** Ends snapshots: whoever is missing from one becomes an entry of its run, to be decided on with what else it takes away. */
@Injectable()
export class Snapshots {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    readonly missing: MissingPeople,
  ) {}

  markClock(): ClockMark {
    return { wall: this.clock.now(), elapsedMs: performance.now() };
  }

  /**
   * To be called when all records are committed and noted, as often as the end of the run is tried. Writes entries alone;
   * `stopped` ends it between two pages.
   */
  async gather(run: EntryOfRun, truth: SnapshotTruth, mark: ClockMark, stopped: AbortSignal): Promise<SnapshotEnd> {
    // Another try may have taken the run over, and found who is missing.
    stopped.throwIfAborted();
    await this.database.transaction((tx) =>
      tx.delete(RunEntryEntity, { runId: run.id, change: 'deactivate', state: 'waiting' }),
    );
    const flaw = await this.findFlaw(run.id);
    const error = flaw ?? this.findClockFault(truth, mark);
    if (flaw !== null) await this.admitPeople(run, truth, stopped);
    if (error !== null) return { missing: 0, error };
    let missing = 0;
    for await (const entries of this.missing.find(run.tenantId, truth)) {
      stopped.throwIfAborted();
      await this.missing.keep(run, entries);
      missing += entries.length;
    }
    const isEmpty = !(await this.database.read.existsBy(RunSeenEntity, { runId: run.id }));
    if (missing === 0 || !isEmpty) return { missing, error: null };
    return { missing, error: null, holdsBecause: `The snapshot names nobody; its scope has ${missing}.` };
  }

  /**
   * Of one that takes nobody for missing, as it does not name everybody: if it leaves out no more people than it might
   * switch off, it is no other list under a wrong scope. Then those whom it has brought there count in later ones, and so
   * they do in this.
   */
  async admitPeople(run: EntryOfRun, truth: SnapshotTruth, stopped: AbortSignal): Promise<void> {
    const { read } = this.database;
    const people = (await read.findOneBy(RunEntity, { id: run.id }))?.people ?? null;
    const connection = await read.findOneBy(ConnectionEntity, { id: run.connectionId });
    if (people === null || !connection) return;
    let deactivated = 0;
    for await (const entries of this.missing.find(run.tenantId, truth)) {
      stopped.throwIfAborted();
      deactivated += entries.length;
      if (trips(connection.settings.safetyCatch, { deactivated, reduced: 0 }, people)) return;
    }
    await this.database.transaction((tx) => tx.update(RunEntity, { id: run.id }, { people: null }));
  }

  private async findFlaw(runId: string): Promise<string | null> {
    const record = await findUnreadable(this.database.read, runId);
    if (record === null) return null;
    return tellUnreadable(record);
  }

  /** What was said since, and what before, is told by the clock. */
  private findClockFault({ statedAt }: SnapshotTruth, { wall, elapsedMs }: ClockMark): string | null {
    const now = this.clock.now();
    if (statedAt < now - SEEN_KEPT) return 'Nobody is taken for missing: it took too long.';
    const drift = Math.abs(now - wall - (performance.now() - elapsedMs) * 1000);
    return Math.max(drift, statedAt - now) > CLOCK_MAY_DRIFT
      ? 'Nobody is taken for missing: the clock was set meanwhile.'
      : null;
  }
}
