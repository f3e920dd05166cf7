import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Counter } from 'prom-client';
import type { EntityManager } from 'typeorm';
import { afterCommit } from '../../platform/after-commit.js';
import { Database } from '../../platform/database.js';
import { Metrics } from '../../platform/metrics.js';
import { RUN_KINDS, RUN_STATUSES, type RunEntity } from './run.entity.js';

export type EndedRun = Pick<RunEntity, 'id' | 'tenantId' | 'connectionId' | 'kind'>;

interface RunOutcome {
  run: EndedRun;
  outcome: Exclude<RunEntity['status'], 'running'>;
  reason: string | null;
}

/** By its database, as runs end in functions that know their transaction alone. */
const hearers = new WeakMap<object, (told: RunOutcome) => void>();

/** To be called wherever a run ends, in the transaction that says so. `reason` must name no person. */
export function tellOutcome(
  tx: EntityManager,
  { id, tenantId, connectionId, kind }: EndedRun,
  outcome: RunOutcome['outcome'],
  reason: string | null = null,
): void {
  const run = { id, tenantId, connectionId, kind };
  afterCommit(tx, (database) => hearers.get(database)?.({ run, outcome, reason }));
}

/** Tells operators how runs end: a number for each end, a line where somebody has to look. */
@Injectable()
export class RunOutcomes implements OnModuleInit {
  private readonly logger = new Logger('Runs');
  private readonly runs: Counter<'kind' | 'outcome'>;

  constructor(
    private readonly database: Database,
    metrics: Metrics,
  ) {
    this.runs = new Counter({
      name: 'rollcall_runs_total',
      help: 'Ends of runs on this instance. One that is held counts as held, and again by what becomes of it.',
      labelNames: ['kind', 'outcome'],
      registers: [metrics.registry],
    });
    // A first one is a rise from 0: an alert on what appears from nowhere would miss it.
    for (const kind of RUN_KINDS) {
      for (const outcome of RUN_STATUSES) if (outcome !== 'running') this.runs.inc({ kind, outcome }, 0);
    }
  }

  onModuleInit(): void {
    hearers.set(this.database, (told) => this.hear(told));
  }

  private hear({ run, outcome, reason }: RunOutcome): void {
    this.runs.inc({ kind: run.kind, outcome });
    if (outcome !== 'broken' && outcome !== 'held') return;
    const { id, kind, tenantId: tenant, connectionId: connection } = run;
    const message = outcome === 'held' ? 'a run waits for an admin' : 'a run broke';
    this.logger.warn({ message, tenant, connection, run: id, kind, reason });
  }
}
