import { IsNull, type EntityManager } from 'typeorm';
import type { Micros } from '../../platform/clock.js';
import { execute, placeholders } from '../../platform/sql.js';
import { SessionEntity } from './session.entity.js';

export type EndReason =
  | 'logout'
  | 'ended_by_admin'
  | 'deactivated'
  | 'suspended'
  | 'deleted'
  | 'no_rule_matched'
  | 'connection_changed'
  | 'refresh_token_reused'
  | 'tenant_suspended'
  | 'password_changed'
  | 'external_id_changed'
  | 'merged';

export type SessionsOf = 'id' | 'userId' | 'identityId' | 'connectionId' | 'applicationId' | 'tenantId';

/** Ends the running sessions of these users, identities, connections, applications or tenants, inside the caller's transaction. */
export async function endSessions(
  tx: EntityManager,
  by: SessionsOf,
  ids: readonly string[],
  reason: EndReason,
  now: Micros,
): Promise<void> {
  for (let start = 0; start < ids.length; start += 1000) {
    const some = ids.slice(start, start + 1000);
    await execute(
      tx,
      `UPDATE sessions SET endedAt = ?, endReason = ? WHERE ${by} IN ${placeholders(some.length)} AND endedAt IS NULL`,
      [now, reason, ...some],
    );
  }
}

/** Forgets where a user's sessions came from and by what, inside the caller's transaction; that they were stays. */
export async function eraseSessions(tx: EntityManager, tenantId: string, userId: string): Promise<void> {
  await tx.update(SessionEntity, { tenantId, userId }, { address: null, userAgent: null });
}

/** Ends one session inside the caller's transaction. False: it was over already, so nothing is to be told. */
export async function endSession(tx: EntityManager, id: string, reason: EndReason, now: Micros): Promise<boolean> {
  const ended = await tx.update(SessionEntity, { id, endedAt: IsNull() }, { endedAt: now, endReason: reason });
  return ended.affected === 1;
}
