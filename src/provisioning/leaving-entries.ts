import { type EntityManager, In } from 'typeorm';
import { planLeaving } from '../plan/missing.js';
import { HOUR, type Micros } from '../platform/clock.js';
import { execute, selectRows } from '../platform/sql.js';
import { ConnectionEntity } from '../records/connections/connection.entity.js';
import { RunEntity, type RunEntryEntity } from '../records/sync-runs/run.entity.js';
import type { Drafted, Scene } from './submission.js';

const RUNS_AT_ONCE = 100;

/** When whoever is missing from a snapshot of the connection leaves, decided now; null: at once. */
export async function findLeaveTime(read: EntityManager, connectionId: string, now: Micros): Promise<Micros | null> {
  const connection = await read.findOneBy(ConnectionEntity, { id: connectionId });
  const graceHours = connection?.settings.safetyCatch.graceHours ?? 0;
  return graceHours === 0 ? null : now + graceHours * HOUR;
}

/** What is drafted for an entry of somebody who is to leave, is leaving, or was stated again; null: it is applied as it is. */
export function draftLeaving(
  { scope }: Pick<RunEntity, 'scope'>,
  { identityId, at, dueAt, externalId }: RunEntryEntity,
  { leaveAt, isStated }: { leaveAt: Micros | null; isStated: boolean },
): ((scene: Scene) => Drafted | null) | null {
  if (!isStated && dueAt === null && leaveAt === null) return null;
  return ({ directory }) => {
    const identity = directory.findIdentity(identityId)?.identity;
    if (isStated) {
      // Another snapshot may have begun it anew since they were stated.
      const leavingAt = identity?.leavingAt === dueAt ? null : (identity?.leavingAt ?? null);
      return { outcome: planLeaving(directory, identityId, leavingAt) };
    }
    if (!identity || identity.externalId !== externalId || identity.scope !== scope) return null;
    // Being stated again has ended it; then perhaps another snapshot has begun it anew.
    const isOver = dueAt === null ? (identity.facts.push?.at ?? 0) > at : identity.leavingAt !== dueAt;
    if (isOver) return { outcome: planLeaving(directory, identityId, identity.leavingAt) };
    return dueAt === null ? { outcome: planLeaving(directory, identityId, leaveAt) } : null;
  };
}

/** Makes those entries due whose people have had their time. */
export async function wakeLeaving(tx: EntityManager, now: Micros): Promise<void> {
  const late = `state = 'leaving' AND dueAt <= ?`;
  const runs = await selectRows(tx, `SELECT DISTINCT runId FROM run_entries WHERE ${late} LIMIT ${RUNS_AT_ONCE}`, [
    now,
  ]);
  for (const { runId = null } of runs) {
    await execute(tx, `UPDATE run_entries SET state = 'due' WHERE runId = ? AND ${late}`, [runId, now]);
  }
}

/** A run of which somebody is leaving is not swept away before they are gone. */
export async function keepLeaving(tx: EntityManager, now: Micros): Promise<void> {
  const runs = await selectRows(tx, `SELECT DISTINCT runId FROM run_entries WHERE state = 'leaving'`, []);
  const ids = runs.map(({ runId }) => String(runId));
  if (ids.length > 0) await tx.update(RunEntity, { id: In(ids) }, { aliveAt: now });
}
