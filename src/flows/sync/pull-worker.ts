import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Clock, SECOND } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { CLOCKS_MAY_DIFFER, Leases } from '../../platform/leases.js';
import { Places } from '../../platform/places.js';
import { Repetition } from '../../platform/repetition.js';
import { selectRows } from '../../platform/sql.js';
import { PullOrders } from './pull-orders.js';
import { PullRuns } from './pull-runs.js';

const POLL_MS = 1000;
const LEASE_MS = 15_000;
/** Each holds a page and a few chunks in memory. A tenant whose sources take for ever leaves places to the others. */
const PULL_PLACES = { placesMax: 4, tenantMax: 2 };
/** A run that nobody has worked on for so long is worth asking for its lease; so is one whose instance died in times to come. */
const QUIET = 2 * SECOND;

/** The first few of each tenant: the first of all, then the second. */
const WAITING = `SELECT id, connectionId, tenantId FROM (
  SELECT id, connectionId, tenantId, ROW_NUMBER() OVER (PARTITION BY tenantId ORDER BY id) AS turn FROM runs
  WHERE kind = 'pull' AND status = 'running'
  AND (phase = 'waiting' OR (phase IN ('receiving', 'writing') AND (aliveAt < ? OR aliveAt > ?)))
) AS waiting WHERE turn <= 10 ORDER BY turn, id LIMIT 1000`;

interface WaitingPull {
  runId: string;
  connectionId: string;
  tenantId: string;
}

/** Begins pulls when they are due, and carries out those that nobody works on: one instance each. */
@Injectable()
export class PullWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(PullWorker.name);
  private readonly leave = new AbortController();
  private readonly working = new Map<string, Promise<void>>();
  private readonly places = new Places(PULL_PLACES);
  /** Connections whose lease another instance was found to hold. */
  private readonly elsewhere = new Set<string>();
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
    const now = this.clock.now();
    const rows = await selectRows(this.database.read, WAITING, [now - QUIET, now + CLOCKS_MAY_DIFFER]);
    const waiting = rows.map(({ id, connectionId, tenantId }) => ({
      runId: String(id),
      connectionId: String(connectionId),
      tenantId: String(tenantId),
    }));
    // Who has least comes first, and last what another instance was found to work on.
    const rankOf = ({ connectionId, tenantId }: WaitingPull): number =>
      this.elsewhere.has(connectionId) ? PULL_PLACES.placesMax : this.places.takenBy(tenantId);
    const ranked = waiting.toSorted((one, other) => rankOf(one) - rankOf(other));
    this.elsewhere.clear();
    for (const pull of ranked) {
      if (this.repetition.stopping) return;
      const leave = this.working.has(pull.connectionId) ? null : this.places.take(pull.tenantId);
      if (leave) this.begin(pull, leave);
    }
  }

  private begin({ runId, connectionId }: WaitingPull, leave: () => void): void {
    const work = this.leases
      .run(`pull:${connectionId}`, LEASE_MS, (lost) =>
        this.runs.carryOut(runId, AbortSignal.any([lost, this.leave.signal])),
      )
      .then((mine) => void (mine ?? this.elsewhere.add(connectionId)))
      .catch((error: unknown) => this.logger.warn(`Pull ${runId} was left: ${String(error)}`))
      .then(() => {
        this.working.delete(connectionId);
        leave();
      });
    this.working.set(connectionId, work);
  }
}
