import type { EntityManager } from 'typeorm';
import type { NewEvent } from '../../ledger/ledger.service.js';
import type { Micros } from '../../platform/clock.js';
import { newId } from '../../platform/ids.js';
import { RunEntity } from './run.entity.js';

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
  const id = newId();
  await tx.insert(RunEntity, {
    id,
    tenantId: order.tenantId,
    connectionId: order.connectionId,
    kind: 'replan',
    status: 'running',
    actorType: order.actor.type,
    actorId: order.actor.id,
    mappingVersion: order.mappingVersion,
    counts: {},
    error: null,
    startedAt: order.now,
    finishedAt: null,
  });
  return id;
}
