import type { Principal } from '../../platform/access.js';
import type { Micros } from '../../platform/clock.js';
import type { KnownConnection } from '../../provisioning/connection-policies.js';
import type { RunEntity } from '../../records/sync-runs/run.entity.js';
import type { EntryOfRun } from '../../records/sync-runs/run-entries.js';
import { newRun } from '../../records/sync-runs/run-rows.js';

/** Who pushes to what, as one run. */
export interface Pushing {
  runId: string;
  principal: Principal;
  known: KnownConnection;
}

export function runOf({ runId, principal, known }: Pushing): EntryOfRun {
  return { id: runId, tenantId: principal.tenantId, connectionId: known.row.id };
}

/** The row of the run at its start. `since`: of a snapshot, the moment whose truth it is. */
export function rowOf(
  pushing: Pushing,
  { kind, mode, scope }: { kind: RunEntity['kind']; mode: 'upsert' | 'snapshot'; scope: string },
  since: Micros | null,
  now: Micros,
): RunEntity {
  const { principal, known } = pushing;
  const by = { actorType: principal.type, actorId: principal.id };
  const given = {
    ...runOf(pushing),
    mappingVersion: known.row.mappingVersion,
    kind,
    cause: 'request',
    mode,
    ...by,
  } as const;
  return newRun(given, now, { scope, statedAt: since });
}
