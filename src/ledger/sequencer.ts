import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Database } from '../platform/database.js';
import { databaseTroubleOf } from '../platform/database-errors.js';
import { LedgerPulse } from './ledger-pulse.js';
import { numberEvents } from './number-events.js';

/** Events in one transaction. On SQLite a transaction keeps all other writers waiting, so it is shorter. */
const BATCH = { mysql: 2000, sqlite: 250 } as const;
/** From a record to the first look; the transaction has most often committed by then. */
const NUDGE_MS = 20;
/** Under load: rounds come no closer than this, so that one takes what many requests wrote. */
const BUSY_MS = 150;
/** An idle instance reads one row so often; what other instances or dead ones left waits no longer. */
const IDLE_MS = 500;
const TROUBLE_MS_MAX = 10_000;
const STUCK_MS = 60_000;

/**
 * Gives committed events their numbers, soon after a commit on this instance, and looks now and then for those of
 * others. Every instance runs one: the heads' locks keep them apart, so no lease is needed, and none that died with
 * a lease in its hand is waited for.
 */
@Injectable()
export class Sequencer implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(Sequencer.name);
  private timer: NodeJS.Timeout | null = null;
  private dueMs = Infinity;
  private quietUntilMs = 0;
  private delayMs = IDLE_MS;
  private running: Promise<unknown> = Promise.resolve();
  private stopped = true;
  /** Tenants whose ledger refuses new numbers, and until when they are left alone: they must not stop the others. */
  private readonly stuck = new Map<string, number>();

  constructor(
    private readonly database: Database,
    private readonly pulse: LedgerPulse,
  ) {}

  onApplicationBootstrap(): void {
    this.stopped = false;
    this.pulse.on('recorded', this.nudge);
    this.schedule(NUDGE_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    this.pulse.off('recorded', this.nudge);
    if (this.timer) clearTimeout(this.timer);
    await this.running;
  }

  /** Numbers everything that was committed before the call, whichever instance does it. Returns how many were its own. */
  async catchUp(): Promise<number> {
    let total = 0;
    for (;;) {
      const { events, skipped, full } = await this.inTurn(() => this.runRound());
      total += events;
      if (events > 0 || full) continue;
      if (!skipped) return total;
      await new Promise((resolve) => setTimeout(resolve, NUDGE_MS));
    }
  }

  private readonly nudge = (): void => {
    this.delayMs = NUDGE_MS;
    this.schedule(Math.max(NUDGE_MS, this.quietUntilMs - performance.now()));
  };

  private schedule(delayMs: number): void {
    const dueMs = performance.now() + delayMs;
    if (this.stopped || dueMs >= this.dueMs) return;
    if (this.timer) clearTimeout(this.timer);
    this.dueMs = dueMs;
    this.timer = setTimeout(() => void this.wake(), delayMs).unref();
  }

  private async wake(): Promise<void> {
    this.timer = null;
    this.dueMs = Infinity;
    try {
      const { events, full } = await this.inTurn(() => this.runRound());
      if (events > 0) this.quietUntilMs = performance.now() + BUSY_MS;
      this.delayMs = full ? 1 : events > 0 ? BUSY_MS : Math.min(IDLE_MS, this.delayMs * 2);
    } catch (error) {
      this.delayMs = Math.min(TROUBLE_MS_MAX, Math.max(IDLE_MS, this.delayMs * 2));
      this.logger.warn(`Events wait for their numbers: ${String(error)}`);
    }
    // Instances that started together shall not look together.
    this.schedule(this.delayMs * (0.9 + Math.random() * 0.2));
  }

  /** One round at a time on this instance. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.running.then(work);
    this.running = mine.catch(() => undefined);
    return mine;
  }

  private async runRound(): Promise<{ events: number; skipped: boolean; full: boolean }> {
    const idle = { events: 0, skipped: false, full: false };
    const queued: unknown[] = await this.database.read.query('SELECT 1 AS found FROM event_queue LIMIT 1');
    if (queued.length === 0) return idle;
    try {
      return await this.numberSome(this.stuckTenants());
    } catch (error) {
      if (databaseTroubleOf(error) !== 'duplicate') throw error;
      // Most often another sequencer made a new tenant's head first; if not, somebody's ledger does not fit.
      return this.numberEachTenant();
    }
  }

  private async numberSome(excluded: readonly string[]): Promise<{ events: number; skipped: boolean; full: boolean }> {
    const done = await numberEvents(this.database, BATCH[this.database.engine], excluded);
    if (done.events > 0) this.pulse.emit('numbered', done.heads);
    return done;
  }

  private async numberEachTenant(): Promise<{ events: number; skipped: boolean; full: boolean }> {
    const rows: { tenantId: string }[] = await this.database.read.query('SELECT DISTINCT tenantId FROM event_queue');
    const tenantIds = rows.map((row) => row.tenantId);
    let events = 0;
    for (const tenantId of tenantIds) {
      const others = tenantIds.filter((each) => each !== tenantId);
      // Twice: the first duplicate may be a head that another sequencer just made, and then it is there.
      const done = (await this.tryNumbering(others)) ?? (await this.tryNumbering(others));
      events += done ?? 0;
      if (done !== null) continue;
      this.stuck.set(tenantId, performance.now() + STUCK_MS);
      this.logger.error(`The ledger of tenant ${tenantId} takes no new numbers; run \`rollcall ledger verify\`.`);
    }
    return { events, skipped: false, full: events > 0 };
  }

  /** How many were numbered; null when the ledger refused them. */
  private async tryNumbering(excluded: readonly string[]): Promise<number | null> {
    try {
      return (await this.numberSome(excluded)).events;
    } catch (error) {
      if (databaseTroubleOf(error) === 'duplicate') return null;
      throw error;
    }
  }

  private stuckTenants(): string[] {
    for (const [tenantId, untilMs] of this.stuck) if (untilMs < performance.now()) this.stuck.delete(tenantId);
    return [...this.stuck.keys()];
  }
}
