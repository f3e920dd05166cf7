import { type NewEvent, SYSTEM } from '../../ledger/ledger.service.js';
import type { ConnectionSourceEntity } from '../../records/sources/source.entity.js';

/** What the ledger tells where nothing is read from a source any more, until an admin resumes it. */
export function sourceSuspended(
  { tenantId, connectionId }: Pick<ConnectionSourceEntity, 'tenantId' | 'connectionId'>,
  reason: string | null,
  runId: string | null,
): NewEvent {
  return {
    tenantId,
    type: 'connection.source_suspended',
    subject: { type: 'connection', id: connectionId, version: 0 },
    actor: SYSTEM,
    via: 'system',
    runId,
    reason,
  };
}
