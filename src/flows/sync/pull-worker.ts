import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { In, LessThan } from 'typeorm';
import { Clock, SECOND } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { Leases } from '../../platform/leases.js';
import { Repetition } from '../../platform/repetition.js';
import { RunEntity } from '../../records/sync-runs/run.entity.js';
import { PullOrders } from './pull-orders.js';
import { PullRuns } from './pull-runs.js';

const POLL_MS = 1000;
const LEASE_MS = 15_000;
/** Each holds a page and a few chunks in memory. */
const PULLS_MAX = 4;
/** A run that nobody has worked on for so long is worth asking for its lease. */
const QUIET = 2 * SECOND;

/** Begins pulls when they are due, and carries out those that nobody works on: one instance each. */
@Injectable()
export class PullWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(PullWorker.name);
  private readonly leave = new AbortController();
  private readonly working = new Map<string, Promise<void>>();
  private readonly repetition = new Repetition(() => this.lookRound(), {
    everyMs: POLL_MS,
    logger: this.logger,
    trouble: 'Pulls wait',
  });

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly leases: Leases,
    private readonly orders: PullOrders,
    private readonly runs: PullRuns,
  ) {}

  onApplicationBootstrap(): void {
    this.repetition.start();
  }

  /** What was read is committed; another instance goes on, or this one when it is back. */
  async beforeApplicationShutdown(): Promise<void> {
    this.leave.abort();
    await this.repetition.stop();
    await Promise.all(this.working.values());
  }

  /** Orders what is due, and begins what waits. */
  async lookRound(): Promise<void> {
    await this.orders.orderDue();
    const open = { kind: 'pull', status: 'running' } as const;
    const waiting = await this.database.read.find(RunEntity, {
      where: [
        { ...open, phase: 'waiting' },
        { ...open, phase: In(['receiving', 'writing']), aliveAt: LessThan(this.clock.now() - QUIET) },
      ],
      order: { id: 'ASC' },
      take: 100,
    });
    for (const { id, connectionId } of waiting) {
      if (this.working.size >= PULLS_MAX || this.repetition.stopping) return;
      if (!this.working.has(connectionId)) this.begin(id, connectionId);
    }
  }

  private begin(runId: string, connectionId: string): void {
    const work = this.leases
      .run(`pull:${connectionId}`, LEASE_MS, (lost) =>
        this.runs.carryOut(runId, AbortSignal.any([lost, this.leave.signal])),
      )
      .catch((error: unknown) => this.logger.warn(`Pull ${runId} was left: ${String(error)}`))
      .then(() => void this.working.delete(connectionId));
    this.working.set(connectionId, work);
  }
}
