import { Injectable } from '@nestjs/common';
import { actorOf, LedgerService } from '../../ledger/ledger.service.js';
import type { Principal } from '../../platform/access.js';
import { Database } from '../../platform/database.js';
import { Problem } from '../../platform/problem.js';
import { getConnection } from '../../records/connections/connection-rows.js';
import { ConnectionSourceEntity } from '../../records/sources/source.entity.js';
import { SourcesService } from '../../records/sources/sources.service.js';
import { PullOrders } from './pull-orders.js';
import { SourceFailure } from './sources/source-reader.js';
import { SourceReaders } from './sources/source-readers.js';

/** A source that is asked whether it answers has so long for its first page. */
const CHECK_MS = 20_000;

@Injectable()
export class PullsService {
  constructor(
    private readonly database: Database,
    private readonly ledger: LedgerService,
    private readonly sources: SourcesService,
    private readonly readers: SourceReaders,
    private readonly orders: PullOrders,
  ) {}

  /** Orders a pull, and returns the run's id. Throws `source_suspended`, `conflict` while one is under way. */
  async start(principal: Principal, connectionId: string, isFull: boolean | undefined): Promise<string> {
    const connection = await getConnection(this.database.read, principal, connectionId);
    if (connection.status !== 'active') throw new Problem('conflict', 'The connection is disabled.');
    const scope = isFull === undefined ? null : isFull ? 'full' : 'changes';
    return this.orders.order(connectionId, scope, actorOf(principal));
  }

  /** Reads a page of the source, and lets it be read again if that works. Throws `source_failed` with what does not. */
  async resume(principal: Principal, connectionId: string): Promise<ConnectionSourceEntity> {
    const source = await this.sources.get(principal, connectionId);
    await this.check(source);
    return this.database.transaction(async (tx) => {
      const mine = { connectionId, version: source.version };
      const over = { failures: 0, suspendedAt: null, suspendedReason: null };
      const { affected } = await tx.update(ConnectionSourceEntity, mine, over);
      const stored = await tx.findOneBy(ConnectionSourceEntity, mine);
      if (affected !== 1 || !stored) throw new Problem('conflict', 'The source was changed meanwhile; try again.');
      await this.ledger.record(tx, [
        {
          tenantId: source.tenantId,
          type: 'connection.source_resumed',
          subject: { type: 'connection', id: connectionId, version: 0 },
          actor: actorOf(principal),
          via: 'rest',
        },
      ]);
      return stored;
    });
  }

  private async check(source: ConnectionSourceEntity): Promise<void> {
    const signal = AbortSignal.timeout(CHECK_MS);
    try {
      const place = { state: source.state, page: null };
      for await (const _ of this.readers.open(source).read(place, 'changes', signal)) return;
    } catch (error) {
      if (error instanceof SourceFailure) throw new Problem('source_failed', error.message, { cause: error });
      if (signal.aborted) throw new Problem('source_failed', `The source did not answer within ${CHECK_MS / 1000} s.`);
      throw error;
    }
  }
}
