import { type EntityManager, In } from 'typeorm';
import type { Micros } from '../platform/clock.js';
import { selectRows } from '../platform/sql.js';
import { type RunCounts, RunEntity, RunEntryEntity } from '../records/sync-runs/run.entity.js';
import { failureRow, insertFailures, type RunFailure } from '../records/sync-runs/run-rows.js';
import { readEntries } from '../records/sync-runs/run-entries.js';
import { readSeen } from '../records/sync-runs/seen-names.js';
import { addCounts } from '../records/sync-runs/run-state.js';
import { EntryNames } from './entry-names.js';
import type { EntryTerms } from './entry-submissions.js';
import type { Settled } from './submission.js';

export const CHUNK_ENTRIES = 500;

/** What became of an entry. */
export interface EntryFate {
  entry: number;
  state: 'applied' | 'skipped' | 'failed' | 'leaving';
  problem?: RunFailure['problem'];
  /** Of `leaving`. */
  dueAt?: Micros;
}

/** Another instance has struck some, or their people were deleted. */
export class EntriesMoved extends Error {}

export async function readDue(manager: EntityManager, runId: string): Promise<RunEntryEntity[]> {
  return manager.find(RunEntryEntity, { where: { runId, state: 'due' }, order: { entry: 'ASC' }, take: CHUNK_ENTRIES });
}

/** A person who is gone, or of whom nothing is taken any more, is skipped. */
export function fateOf(
  { entry, change, dueAt }: RunEntryEntity,
  settled: Settled | undefined,
  { leaveAt, isStated }: EntryTerms,
): EntryFate {
  if (settled?.kind === 'failed') {
    const { code, detail, title } = settled.problem;
    if (code === 'not_found') return { entry, state: 'skipped' };
    return { entry, state: 'failed', problem: { code, detail: detail ?? title } };
  }
  if (settled?.kind !== 'planned') throw new Error(`An entry was answered with ${settled?.kind ?? 'nothing'}.`);
  const { result, problem } = settled.outcome;
  if (result === 'failed' || result === 'refused') {
    return { entry, state: 'failed', problem: problem ?? { code: 'conflict', detail: '' } };
  }
  if (isStated) return { entry, state: 'skipped' };
  const isLeaving = change === 'deactivate' && dueAt === null && leaveAt !== null && result === 'updated';
  if (isLeaving) return { entry, state: 'leaving', dueAt: leaveAt };
  return { entry, state: result === 'stale' || result === 'unchanged' ? 'skipped' : 'applied' };
}

/**
 * Strikes entries and counts them, in the transaction of their effect. Throws, so that nothing is written, where another
 * instance has done so meanwhile.
 */
export async function strikeEntries(
  tx: EntityManager,
  run: RunEntity,
  fates: readonly EntryFate[],
  now: Micros,
): Promise<void> {
  const byEntry = new Map<number, EntryFate>(fates.map((fate) => [fate.entry, fate]));
  const stored = await tx.find(RunEntryEntity, {
    where: { runId: run.id, entry: In([...byEntry.keys()]), state: 'due' },
    select: { runId: true, entry: true, externalId: true, deactivates: true, dueAt: true },
  });
  for (const state of ['applied', 'skipped', 'failed'] as const) {
    const entries = fates.filter((fate) => fate.state === state).map(({ entry }) => entry);
    if (entries.length === 0) continue;
    const due = { runId: run.id, entry: In(entries), state: 'due' } as const;
    const { affected } = await tx.update(RunEntryEntity, due, { state, statement: null });
    if (affected !== entries.length) throw struckByOthers(run);
  }
  for (const [dueAt, some] of Map.groupBy(fates, (fate) => fate.dueAt)) {
    if (dueAt === undefined) continue;
    const due = { runId: run.id, entry: In(some.map(({ entry }) => entry)), state: 'due' } as const;
    const { affected } = await tx.update(RunEntryEntity, due, { state: 'leaving', dueAt });
    if (affected !== some.length) throw struckByOthers(run);
  }
  const counts: RunCounts = {};
  for (const { entry, deactivates, dueAt } of stored) {
    const before = dueAt === null ? 'held' : 'leaving';
    counts[before] = (counts[before] ?? 0) - 1;
    const name = countOf(run, byEntry.get(entry)?.state ?? 'skipped', deactivates);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  const failures = stored.flatMap(({ entry, externalId }) => {
    const problem = byEntry.get(entry)?.problem;
    return problem ? [failureRow(run, { record: entry, externalId, problem }, now)] : [];
  });
  await insertFailures(tx, failures);
  const before = await tx.findOneByOrFail(RunEntity, { id: run.id });
  const { held, ...after } = addCounts(before.counts, counts);
  // Re-plans tell it only while there is something.
  const told = held === 0 && !isPush(run) ? after : { ...after, held: held ?? 0 };
  await tx.update(RunEntity, { id: run.id }, { counts: told, aliveAt: now });
}

/** In the words of the run's counts. */
function countOf(run: RunEntity, state: EntryFate['state'], deactivates: boolean): string {
  if (state === 'failed' || state === 'leaving') return state;
  if (!isPush(run)) return state === 'applied' ? 'changed' : 'unchanged';
  if (state === 'skipped') return 'stale';
  return deactivates ? 'deactivated' : 'updated';
}

function struckByOthers({ id }: RunEntity): Error {
  return new EntriesMoved(`Entries of run ${id} were struck by somebody else.`);
}

function isPush({ kind }: RunEntity): boolean {
  return kind !== 'replan' && kind !== 'groups';
}

/**
 * The due entries of a run whose persons another push has named since, though it may have said nothing new: they are not
 * missing any more. What a record says waits only for its moment, and its facts know what is newer; but once somebody had
 * to agree to it, it is out of date too.
 */
export async function findStated(manager: EntityManager, run: RunEntity): Promise<Set<number>> {
  const stated = new Set<number>();
  // Whoever is missing is so since the snapshot's moment.
  const begun = Math.min(run.statedAt ?? run.startedAt, run.startedAt);
  const since = `runId <> ? AND connectionId = ? AND at >= ?`;
  const of = [run.id, run.connectionId, begun];
  const anything = await selectRows(manager, `SELECT runId FROM run_seen WHERE ${since} LIMIT 1`, of);
  if (anything.length === 0) return stated;
  const wanted = await readNames(manager, run);
  if (wanted.size === 0) return stated;
  for await (const { runId, at, packed } of readSeen(manager, run.connectionId, begun)) {
    if (runId !== run.id) wanted.find(packed, at, stated);
  }
  return stated;
}

/** The due entries of pushed people, by what `run_seen` calls them. */
async function readNames(manager: EntityManager, run: RunEntity): Promise<EntryNames> {
  const names = new EntryNames();
  for await (const { entry, externalId, change, at } of readEntries(manager, run.id, 'due')) {
    const counts = change === 'deactivate' || (change === 'statement' && run.heldUntil !== null);
    if (externalId === null || !counts) continue;
    // Named at the snapshot's very moment they would not have been found missing either.
    const since = change === 'deactivate' ? Number(at) - 1 : Math.max(Number(at), run.startedAt);
    names.add(String(externalId), Number(entry), since);
  }
  return names;
}

/**
 * Runs that have something due, and those that are to be ended: one after the other, however many there are and however
 * much is due of each.
 */
export async function* findRemoving(manager: EntityManager): AsyncGenerator<string> {
  const due = `SELECT MIN(runId) AS id FROM run_entries WHERE state = 'due' AND runId > ?`;
  const removing = `SELECT MIN(id) AS id FROM runs WHERE status = 'running' AND phase = 'removing' AND id > ?`;
  const seen = new Set<string>();
  for (const sql of [due, removing]) {
    for (let after = ''; ;) {
      const [row] = await selectRows(manager, sql, [after]);
      if (typeof row?.id !== 'string') break;
      after = row.id;
      if (!seen.has(after)) yield after;
      seen.add(after);
    }
  }
}
