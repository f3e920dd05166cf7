import { type BeforeApplicationShutdown, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Database } from '../platform/database.js';
import { placeholders } from '../platform/sql.js';
import { LedgerPulse } from './ledger-pulse.js';

/** How soon a waiting reader hears of events that another instance numbered. */
const POLL_MS = 400;
const TENANTS_PER_READ = 500;

/** One reader's place in the queue of those who wait. Enter it before reading, so that nothing falls in between. */
export interface Turn {
  /** Ends when a number above `position` is there, after `waitMs`, when `signal` aborts, or at shutdown. */
  wait(position: number, waitMs: number, signal: AbortSignal): Promise<void>;
  leave(): void;
}

interface Waiter {
  tenantId: string;
  /** Infinity until the reader says what it has. */
  position: number;
  /** The last number that this instance gave while the reader was reading. */
  numbered: number;
  wake: () => void;
}

/** Lets any number of readers wait for events with one small read for all of them, and no connection held. */
@Injectable()
export class EventWaiters implements OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger(EventWaiters.name);
  private readonly waiters = new Map<string, Set<Waiter>>();
  private timer: NodeJS.Timeout | null = null;
  private stopping = false;

  constructor(
    private readonly database: Database,
    private readonly pulse: LedgerPulse,
  ) {}

  onModuleInit(): void {
    this.pulse.on('numbered', this.tell);
  }

  /** Readers get what there is now, at once: a shutdown waits for running requests, and these could take a minute. */
  beforeApplicationShutdown(): void {
    this.stopping = true;
    this.pulse.off('numbered', this.tell);
    for (const some of this.waiters.values()) for (const each of some) each.wake();
  }

  get isStopping(): boolean {
    return this.stopping;
  }

  enter(tenantId: string): Turn {
    const waiter: Waiter = { tenantId, position: Infinity, numbered: 0, wake: () => undefined };
    const some = this.waiters.get(tenantId) ?? new Set();
    this.waiters.set(tenantId, some.add(waiter));
    const leave = (): void => {
      some.delete(waiter);
      if (some.size === 0 && this.waiters.get(tenantId) === some) this.waiters.delete(tenantId);
    };
    return { leave, wait: (position, waitMs, signal) => this.wait(waiter, position, waitMs, signal).finally(leave) };
  }

  private async wait(waiter: Waiter, position: number, waitMs: number, signal: AbortSignal): Promise<void> {
    if (this.stopping || signal.aborted || waiter.numbered > position) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, waitMs);
    const leave = (): void => resolve();
    signal.addEventListener('abort', leave, { once: true });
    waiter.position = position;
    waiter.wake = resolve;
    this.schedulePoll();
    await promise;
    clearTimeout(timer);
    signal.removeEventListener('abort', leave);
  }

  private readonly tell = (heads: ReadonlyMap<string, number>): void => {
    for (const [tenantId, number] of heads) {
      for (const waiter of this.waiters.get(tenantId) ?? []) {
        waiter.numbered = number;
        if (number > waiter.position) waiter.wake();
      }
    }
  };

  private schedulePoll(): void {
    this.timer ??= setTimeout(() => void this.poll(), POLL_MS).unref();
  }

  private async poll(): Promise<void> {
    try {
      const tenantIds = [...this.waiters.keys()];
      for (let start = 0; start < tenantIds.length; start += TENANTS_PER_READ) {
        const some = tenantIds.slice(start, start + TENANTS_PER_READ);
        const rows: { tenantId: string; number: number }[] = await this.database.read.query(
          `SELECT tenantId, number FROM ledger_heads WHERE tenantId IN ${placeholders(some.length)}`,
          some,
        );
        this.tell(new Map(rows.map((row) => [row.tenantId, Number(row.number)])));
      }
    } catch (error) {
      // Readers wait on; the next look may find the database again.
      this.logger.debug(String(error));
    }
    this.timer = null;
    if (this.waiters.size > 0 && !this.stopping) this.schedulePoll();
  }
}
