import type { Principal } from '../../platform/access.js';
import { Problem } from '../../platform/problem.js';
import type { KnownConnection } from '../../provisioning/connection-policies.js';
import { assertMayPush } from '../../records/connections/assert-may-push.js';
import type { PushParts } from './push-parts.js';

/**
 * The connection that a push speaks for: the credential's own, else the one that it names. Throws `may_not_grant` for a
 * user who could give themselves more by it than they hold.
 */
export async function getPushConnection(
  { database, policies }: Pick<PushParts, 'database' | 'policies'>,
  principal: Principal,
  named: string | null,
): Promise<KnownConnection> {
  const id = principal.connectionId ?? named;
  if (id === null) {
    throw new Problem('invalid_request', undefined, {
      faults: [{ pointer: '/connection', detail: 'is needed: this credential is not bound to a connection' }],
    });
  }
  if (named !== null && named !== id) throw new Problem('forbidden', 'This key speaks for another connection.');
  const known = await policies.find(id);
  if (!known || known.row.tenantId !== principal.tenantId) throw new Problem('not_found', 'No such connection.');
  if (known.row.status !== 'active') throw new Problem('conflict', 'The connection is disabled.');
  await assertMayPush(database.read, principal, [known.row]);
  return known;
}

export function connectionClosed(): Problem {
  return new Problem('conflict', 'The connection was closed meanwhile.');
}
