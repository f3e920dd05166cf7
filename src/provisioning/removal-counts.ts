import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { LedgerService, type NewEvent, SYSTEM } from '../ledger/ledger.service.js';
import { findLoss, type Loss } from '../plan/losses.js';
import { trips } from '../plan/safety-catch.js';
import { Clock, DAY, HOUR, MINUTE, type Micros } from '../platform/clock.js';
import { Database } from '../platform/database.js';
import { Leases } from '../platform/leases.js';
import { Repetition } from '../platform/repetition.js';
import { upsertRows } from '../platform/sql.js';
import { Sweeper } from '../platform/sweeper.js';
import { ConnectionEntity } from '../records/connections/connection.entity.js';
import { countPeople } from '../records/sync-runs/run-people.js';
import { RemovalHourEntity } from './removal-hour.entity.js';
import type { Settled, Submission } from './submission.js';

/** How many people a connection had before what the hour took away; counted `at`. */
interface KnownPeople {
  hour: number;
  people: number;
  at: Micros;
}

const WRITE_EVERY_MS = 1000;
const COLUMNS = ['connectionId', 'hour', 'tenantId', 'deactivated', 'reduced', 'isTold', 'at'] as const;

interface Count {
  tenantId: string;
  deactivated: number;
  reduced: number;
}

/**
 * Counts what logins and SCIM writes take away, which is never held, by connection and hour; past the limits of the
 * safety catch an event says so, once an hour. What was counted within a second of a kill is forgotten.
 */
@Injectable()
export class RemovalCounts implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private waiting = new Map<string, Count>();
  private readonly people = new Map<string, KnownPeople>();
  private readonly repetition = new Repetition(() => this.writeDown(), {
    everyMs: WRITE_EVERY_MS,
    logger: new Logger(RemovalCounts.name),
    trouble: 'Removals were not counted',
  });

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly leases: Leases,
    private readonly ledger: LedgerService,
    sweeper: Sweeper,
  ) {
    sweeper.add({ table: 'removal_hours', key: ['connectionId', 'hour'], moment: 'at', keepMicros: DAY });
  }

  onApplicationBootstrap(): void {
    this.repetition.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.repetition.stop();
    await this.writeDown();
  }

  /** Runs have a catch of their own. */
  noteSettled(submissions: readonly Submission[], settled: readonly Settled[]): void {
    const now = this.clock.now();
    for (const [place, { tenantId, runId }] of submissions.entries()) {
      const one = settled[place];
      if (runId || one?.kind !== 'planned') continue;
      const loss = findLoss(one.outcome, now);
      if (loss) this.note(tenantId, one.known.row.id, loss);
    }
  }

  note(tenantId: string, connectionId: string, { deactivates }: Pick<Loss, 'deactivates'>): void {
    const count = this.waiting.get(connectionId) ?? { tenantId, deactivated: 0, reduced: 0 };
    if (deactivates) count.deactivated += 1;
    else count.reduced += 1;
    this.waiting.set(connectionId, count);
  }

  /** Adds what this process has counted to the hour. What cannot be added waits for the next time; throws then. */
  async writeDown(): Promise<void> {
    const counts = this.waiting;
    this.waiting = new Map();
    const troubles: unknown[] = [];
    for (const [connectionId, count] of counts) {
      try {
        await this.add(connectionId, count);
      } catch (error) {
        this.putBack(connectionId, count);
        troubles.push(error);
      }
    }
    if (troubles.length > 0) throw troubles[0];
  }

  private putBack(connectionId: string, { tenantId, deactivated, reduced }: Count): void {
    const now = this.waiting.get(connectionId) ?? { tenantId, deactivated: 0, reduced: 0 };
    const sum = { deactivated: now.deactivated + deactivated, reduced: now.reduced + reduced };
    this.waiting.set(connectionId, { tenantId, ...sum });
  }

  private async add(connectionId: string, count: Count): Promise<void> {
    while (!(await this.database.transaction((tx) => this.tryAdd(tx, connectionId, count)))) {
      // A large connection takes a while to count: nothing is locked meanwhile.
      const now = this.clock.now();
      const hour = hourOf(now);
      const before = await this.database.read.findOneBy(RemovalHourEntity, { connectionId, hour });
      const left = await countPeople(this.database.read, connectionId, null, now + 1);
      const people = left + (before?.deactivated ?? 0) + count.deactivated;
      for (const [id, known] of this.people) if (known.hour !== hour) this.people.delete(id);
      this.people.set(connectionId, { hour, people, at: this.clock.now() });
    }
  }

  /** False, and nothing is written, if the people of the connection have to be counted before. */
  private async tryAdd(tx: EntityManager, connectionId: string, count: Count): Promise<boolean> {
    const now = this.clock.now();
    const hour = hourOf(now);
    // Two instances that count an hour do so one after the other. Nobody who writes to the connection waits for that.
    await this.leases.lock(tx, `removal-hour:${connectionId}`);
    const connection = await tx.findOneBy(ConnectionEntity, { id: connectionId });
    if (!connection) return true;
    const before = await tx.findOneBy(RemovalHourEntity, { connectionId, hour });
    const deactivated = (before?.deactivated ?? 0) + count.deactivated;
    const reduced = (before?.reduced ?? 0) + count.reduced;
    const { safetyCatch } = connection.settings;
    let isTold = before?.isTold ?? false;
    if (!isTold && trips(safetyCatch, { deactivated, reduced }, 0)) {
      const known = this.people.get(connectionId);
      if (known?.hour !== hour) return false;
      isTold = trips(safetyCatch, { deactivated, reduced }, known.people);
      // There may be many more by now.
      if (isTold && known.at + MINUTE <= now) return false;
      if (isTold)
        await this.ledger.record(tx, [tellHigh(connection, { ...count, deactivated, reduced }, known.people)]);
    }
    const table = { table: 'removal_hours', columns: COLUMNS, key: COLUMNS.slice(0, 2), update: COLUMNS.slice(3) };
    const row = [connectionId, hour, count.tenantId, deactivated, reduced, isTold ? 1 : 0, now];
    await upsertRows(tx, this.database.engine, table, [row]);
    return true;
  }
}

function hourOf(now: Micros): number {
  return Math.floor(now / HOUR);
}

function tellHigh({ id, tenantId }: ConnectionEntity, { deactivated, reduced }: Count, people: number): NewEvent {
  return {
    tenantId,
    type: 'connection.removals_high',
    subject: { type: 'connection', id, version: 0 },
    actor: SYSTEM,
    via: 'system',
    reason: `${deactivated} switched off or deleted, ${reduced} lost roles or entitlements, of ${people} people this hour`,
  };
}
