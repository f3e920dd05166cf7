import type { Principal } from '../../platform/access.js';
import type { Micros } from '../../platform/clock.js';
import type { KnownConnection } from '../../provisioning/connection-policies.js';
import type { EntryOfRun } from '../../records/sync-runs/run-entries.js';
import type { StreamRequest } from './stream-request.js';

export interface StreamOrder {
  runId: string;
  principal: Principal;
  known: KnownConnection;
  request: StreamRequest;
  /** Of a snapshot: the moment whose truth it is. */
  since: Micros | null;
}

export function runOf({ runId, principal, known }: StreamOrder): EntryOfRun {
  return { id: runId, tenantId: principal.tenantId, connectionId: known.row.id };
}
