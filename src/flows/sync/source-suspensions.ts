import { Injectable, Logger } from '@nestjs/common';
import { Counter } from 'prom-client';
import type { EntityManager } from 'typeorm';
import { LedgerService, SYSTEM } from '../../ledger/ledger.service.js';
import { afterCommit } from '../../platform/after-commit.js';
import { Metrics } from '../../platform/metrics.js';
import type { ConnectionSourceEntity } from '../../records/sources/source.entity.js';

/** Tells the ledger and the operators where nothing is read from a source any more, until an admin resumes it. */
@Injectable()
export class SourceSuspensions {
  private readonly logger = new Logger('Sources');
  private readonly suspended: Counter;

  constructor(
    private readonly ledger: LedgerService,
    metrics: Metrics,
  ) {
    this.suspended = new Counter({
      name: 'rollcall_sources_suspended_total',
      help: 'Sources that this instance has suspended: nothing is read from one until an admin resumes it.',
      registers: [metrics.registry],
    });
  }

  /** In the transaction that suspends it. `runId` null: found in a dry run. */
  async record(
    tx: EntityManager,
    { tenantId, connectionId }: Pick<ConnectionSourceEntity, 'tenantId' | 'connectionId'>,
    reason: string | null,
    runId: string | null,
  ): Promise<void> {
    const subject = { type: 'connection', id: connectionId, version: 0 } as const;
    const by = { actor: SYSTEM, via: 'system', runId, reason } as const;
    await this.ledger.record(tx, [{ tenantId, type: 'connection.source_suspended', subject, ...by }]);
    afterCommit(tx, () => {
      this.suspended.inc();
      const message = 'a source is suspended';
      this.logger.warn({ message, tenant: tenantId, connection: connectionId, run: runId, kind: 'pull', reason });
    });
  }
}
