import { Injectable } from '@nestjs/common';
import { type EntityManager, IsNull } from 'typeorm';
import { LedgerService } from '../../ledger/ledger.service.js';
import type { Principal } from '../../platform/access.js';
import { Clock, type Micros, SECOND } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { assertMayGrant } from '../../platform/grant-rules.js';
import { Problem } from '../../platform/problem.js';
import { getConnection } from '../connections/connection-rows.js';
import { ApiKeyEntity } from './api-key.entity.js';
import { issueKey } from './issue-key.js';
import { keyEventOf } from './key-event.js';
import { isSyncKey, SYNC_SCOPE } from './sync-scope.js';
import type { SyncKeyView } from './sync-keys.dto.js';

/** The one key of a connection by which another Rollcall follows it. */
@Injectable()
export class SyncKeysService {
  constructor(
    private readonly database: Database,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  /**
   * A new key, whole in the answer this once; the one before works for `overlapSeconds` more, and one that was replaced
   * before that no longer. Throws `not_found` for a connection of another tenant, `may_not_grant`, and `forbidden` to
   * operators.
   */
  async issue(principal: Principal, connectionId: string, overlapSeconds: number): Promise<SyncKeyView> {
    assertMayGrant(principal, [SYNC_SCOPE]);
    return this.database.transaction(async (tx) => {
      // Of two at once the second waits here, and replaces the key of the first.
      const connection = await getConnection(tx, principal, connectionId, 'locked');
      if (principal.operatorOf !== null) throw new Problem('forbidden', 'An operator’s hour leaves no key behind.');
      const now = this.clock.now();
      const ended = await this.endLiveKeys(tx, connection, now, now + overlapSeconds * SECOND);
      const { row, key } = await issueKey(tx, {
        tenantId: principal.tenantId,
        name: `Sync of ${connection.name}`.slice(0, 200),
        scopes: [SYNC_SCOPE],
        connectionId: connection.id,
        expiresAt: null,
        operatorOf: null,
        createdBy: principal.id,
        now,
      });
      await this.ledger.record(tx, [
        ...ended.map((old) =>
          keyEventOf('api_key.rotated', old, principal, [overlapSeconds === 0 ? 'revokedAt' : 'expiresAt']),
        ),
        keyEventOf('api_key.created', row, principal, ['scopes', 'connection']),
      ]);
      return { primary_id: connection.id, sync_api_key: key };
    });
  }

  private async endLiveKeys(
    tx: EntityManager,
    connection: { id: string; tenantId: string },
    now: Micros,
    until: Micros,
  ): Promise<ApiKeyEntity[]> {
    const { id: connectionId, tenantId } = connection;
    const rows = await tx.findBy(ApiKeyEntity, { tenantId, connectionId, revokedAt: IsNull() });
    const live = rows.filter((row) => isSyncKey(row.scopes) && (row.expiresAt === null || row.expiresAt > now));
    for (const row of live) {
      const goesOn = until > now && row.expiresAt === null;
      await tx.update(ApiKeyEntity, { id: row.id }, goesOn ? { expiresAt: until } : { revokedAt: now });
    }
    return live;
  }
}
