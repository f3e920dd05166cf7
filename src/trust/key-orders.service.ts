import { Injectable } from '@nestjs/common';
import { LedgerService } from '../ledger/ledger.service.js';
import type { Principal } from '../platform/access.js';
import { Clock, type Micros } from '../platform/clock.js';
import { Database } from '../platform/database.js';
import { Problem } from '../platform/problem.js';
import { getConnection } from '../records/connections/connection-rows.js';
import { ConnectionEntity, type KeyOrders } from '../records/connections/connection.entity.js';
import { KeyOrdersView } from './key-orders.dto.js';

const BANS_MAX = 100;

/**
 * What an operator orders of a provider's keys (C10). It moves the connection's version, by which every instance is told
 * before its next login is written.
 */
@Injectable()
export class KeyOrdersService {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
  ) {}

  purge(caller: Principal, id: string): Promise<KeyOrdersView> {
    return this.change(caller, id, 'connection.keys_purged', (orders, now) => ({ ...orders, fetchedSince: now }));
  }

  ban(caller: Principal, id: string, kid: string, banned: boolean): Promise<KeyOrdersView> {
    return this.change(caller, id, banned ? 'connection.key_banned' : 'connection.key_unbanned', (orders) => {
      const others = orders.bannedKids.filter((each) => each !== kid);
      if (banned && others.length >= BANS_MAX) {
        const detail = `has ${BANS_MAX} bans already; lift those of keys that are long gone`;
        throw new Problem('invalid_request', undefined, { faults: [{ pointer: '/kid', detail }] });
      }
      return { ...orders, bannedKids: banned ? [...others, kid] : others };
    });
  }

  private change(
    caller: Principal,
    id: string,
    type: string,
    edit: (orders: KeyOrders, now: Micros) => KeyOrders,
  ): Promise<KeyOrdersView> {
    return this.database.transaction(async (tx) => {
      const row = await getConnection(tx, caller, id, 'locked');
      const now = this.clock.now();
      const keyOrders = edit(row.keyOrders ?? { bannedKids: [], fetchedSince: 0 }, now);
      const version = row.version + 1;
      await tx.update(ConnectionEntity, { id }, { keyOrders, version, updatedAt: now });
      const subject = { type: 'connection', id, version };
      const actor = { type: caller.type, id: caller.id };
      await this.ledger.record(tx, [
        { tenantId: row.tenantId, type, subject, actor, via: 'rest', fields: ['keyOrders'], at: now },
      ]);
      return KeyOrdersView.toView(keyOrders, version);
    });
  }
}
