import type { EntityManager } from 'typeorm';
import type { Principal } from '../../platform/access.js';
import type { Micros } from '../../platform/clock.js';
import { Problem } from '../../platform/problem.js';
import { ApiKeyEntity } from '../../records/api-keys/api-key.entity.js';
import { assertMayPush } from '../../records/connections/assert-may-push.js';
import type { ConnectionEntity } from '../../records/connections/connection.entity.js';
import { findSessionPrincipal } from '../../records/sessions/session-principals.js';

/**
 * Throws what whoever began a stream would hear if they began it now: a key that was revoked, a session that is over or a
 * role that was taken away do not go on for hours.
 *
 * @param pushesTo the connection as it is now; null where it is not the caller who says what is stated
 */
export async function assertStillAllowed(
  read: EntityManager,
  principal: Principal,
  pushesTo: ConnectionEntity | null,
  now: Micros,
): Promise<void> {
  const { type, id, tenantId, sessionId } = principal;
  if (type === 'api-key') {
    // Its scopes are for good.
    const key = await read.findOneBy(ApiKeyEntity, { id });
    if (key?.revokedAt !== null || (key.expiresAt !== null && key.expiresAt <= now)) throw over();
    if (pushesTo) await assertMayPush(read, principal, [pushesTo]);
    return;
  }
  if (sessionId === null) return;
  const found = await findSessionPrincipal(read, { sid: sessionId, tid: tenantId, sub: id }, now);
  if (!found) throw over();
  if (!found.principal.permissions.has('users:sync')) {
    throw new Problem('forbidden', 'The permission users:sync was taken away meanwhile.', {
      extra: { permission: 'users:sync' },
    });
  }
  if (pushesTo) await assertMayPush(read, found.principal, [pushesTo]);
}

function over(): Problem {
  return new Problem('unauthenticated', 'The credential was revoked meanwhile.');
}
