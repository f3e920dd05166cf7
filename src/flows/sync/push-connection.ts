import type { Principal } from '../../platform/access.js';
import { Problem } from '../../platform/problem.js';
import type { ConnectionPolicies, KnownConnection } from '../../provisioning/connection-policies.js';

/** The connection that a push speaks for: the credential's own, else the one that it names. */
export async function getPushConnection(
  policies: ConnectionPolicies,
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
  return known;
}

export function connectionClosed(): Problem {
  return new Problem('conflict', 'The connection was closed meanwhile.');
}
