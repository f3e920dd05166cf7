import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Clock, type Micros } from '../platform/clock.js';
import { Database } from '../platform/database.js';
import { FailureWindows, type LoginFailure } from './failure-windows.js';
import { LedgerService } from './ledger.service.js';

/** Refusals are written together, this long after the first of them. */
const FLUSH_MS = 250;
const EVENTS_PER_TRANSACTION = 500;

/**
 * Writes refused logins into the ledger, behind the caller's back: a refusal needs no commit to be answered. A flood
 * becomes counts, and memory stays bounded (failure-windows.ts). A kill -9 loses the last quarter of a second and the
 * counts of the running minute; a shutdown loses nothing.
 */
@Injectable()
export class LoginFailures implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(LoginFailures.name);
  private readonly windows = new FailureWindows();
  private timer: NodeJS.Timeout | null = null;
  private minutes: NodeJS.Timeout | null = null;
  private writing: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly database: Database,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    this.minutes = setInterval(() => this.startFlush(), 10_000).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.minutes) clearInterval(this.minutes);
    if (this.timer) clearTimeout(this.timer);
    await this.writing;
    await this.flush(Infinity).catch((error: unknown) => {
      this.logger.error(`Refused logins were not written: ${String(error)}`);
    });
  }

  /** Notes a refused login; returns at once and never throws. */
  note(failure: LoginFailure): void {
    this.windows.note(failure, this.clock.now());
    this.timer ??= setTimeout(() => this.startFlush(), FLUSH_MS).unref();
  }

  /**
   * Writes what was noted so far, and the counts of minutes that are over at `until` (default: now). One at a time: what
   * another flush has taken is written too when this one ends.
   */
  flush(until: Micros = this.clock.now()): Promise<void> {
    const flushed = this.writing.then(() => this.writeNoted(until));
    this.writing = flushed.catch(() => undefined);
    return flushed;
  }

  private async writeNoted(until: Micros): Promise<void> {
    for (;;) {
      this.windows.close(until);
      const events = this.windows.take(EVENTS_PER_TRANSACTION);
      if (events.length === 0) return;
      try {
        await this.database.transaction((tx) => this.ledger.record(tx, events));
      } catch (error) {
        this.windows.putBack(events);
        throw error;
      }
    }
  }

  private startFlush(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    this.flush().catch((error: unknown) => this.logger.warn(`Refused logins wait to be written: ${String(error)}`));
  }
}
