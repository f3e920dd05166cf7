import type { EntityManager } from 'typeorm';
import type { NewEvent } from '../../ledger/ledger.service.js';
import type { Micros } from '../../platform/clock.js';
import { newId } from '../../platform/ids.js';
import { RunEntity } from './run.entity.js';
import { newRun } from './run-rows.js';

export interface ReplanOrder {
  tenantId: string;
  connectionId: string;
  /** The version of the connection's mapping that the run brings everyone to. */
  mappingVersion: number;
  actor: NewEvent['actor'];
  now: Micros;
}

/**
 * Orders a re-plan of a connection's people, inside the transaction of the change that calls for it. It is carried out
 * in chunks after the commit, by whichever instance takes it. Returns the run's id.
 */
export async function startReplan(tx: EntityManager, order: ReplanOrder): Promise<string> {
  const { tenantId, connectionId, mappingVersion, actor, now } = order;
  const what = { kind: 'replan', cause: 'change', mode: null } as const;
  const by = { actorType: actor.type, actorId: actor.id };
  const run = newRun({ id: newId(), tenantId, connectionId, mappingVersion, ...what, ...by }, now);
  await tx.insert(RunEntity, run);
  return run.id;
}
