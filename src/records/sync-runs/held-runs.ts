import { type EntityManager, In, LessThan } from 'typeorm';
import { type NewEvent, SYSTEM } from '../../ledger/ledger.service.js';
import type { Micros } from '../../platform/clock.js';
import { execute } from '../../platform/sql.js';
import { type EndedRun, tellOutcome } from './run-outcomes.js';
import { RunEntity } from './run.entity.js';

type HeldEvent = 'run.held' | 'run.approved' | 'run.rejected' | 'run.lapsed' | 'run.superseded';

/** `run.held` comes first, what became of it second. `by` null: the system. */
export function eventOfRun(type: HeldEvent, run: RunEntity, by: NewEvent['actor'] | null, now: Micros): NewEvent {
  return {
    tenantId: run.tenantId,
    type,
    subject: { type: 'run', id: run.id, version: type === 'run.held' ? 1 : 2 },
    actor: by ?? SYSTEM,
    via: by ? 'rest' : 'system',
    runId: run.id,
    at: now,
  };
}

/**
 * Ends a held run without what it would take away. False if it is held no more: somebody else was first. What the
 * entries state is forgotten.
 */
export async function dropHeld(
  tx: EntityManager,
  run: EndedRun,
  status: 'rejected' | 'lapsed' | 'superseded',
  now: Micros,
): Promise<boolean> {
  const { affected } = await tx.update(RunEntity, { id: run.id, status: 'held' }, { status, aliveAt: now });
  if (affected !== 1) return false;
  tellOutcome(tx, run, status);
  await execute(tx, `UPDATE run_entries SET state = 'skipped', statement = NULL WHERE runId = ? AND state = 'held'`, [
    run.id,
  ]);
  return true;
}

/** Pushes of the same scope of a connection, or its re-plans, are out of date by a newer run that says all there is to say. */
export async function dropHeldRuns(tx: EntityManager, by: RunEntity, now: Micros): Promise<NewEvent[]> {
  const { connectionId, kind, scope } = by;
  const isReplan = kind === 'replan' || kind === 'groups';
  const kinds: RunEntity['kind'][] = isReplan ? [kind] : ['push', 'import', 'pull'];
  const runs = await tx.findBy(RunEntity, {
    connectionId,
    kind: In(kinds),
    status: 'held',
    scope: isReplan ? '' : scope,
    id: LessThan(by.id),
  });
  const events: NewEvent[] = [];
  for (const run of runs) {
    if (await dropHeld(tx, run, 'superseded', now)) events.push(eventOfRun('run.superseded', run, null, now));
  }
  return events;
}

/** A run that was cancelled takes nothing away any more. */
export async function dropWaiting(tx: EntityManager, runId: string): Promise<void> {
  const open = `runId = ? AND state IN ('waiting', 'due')`;
  await execute(tx, `UPDATE run_entries SET state = 'skipped', statement = NULL WHERE ${open}`, [runId]);
}
