import type { EntityManager } from 'typeorm';
import type { NewEvent } from '../ledger/ledger.service.js';
import type { Micros } from '../platform/clock.js';
import type { Engine } from '../platform/database.js';
import { deleteByKeys, insertRows, upsertRows } from '../platform/sql.js';
import type { Effects, RowSet, Settled, Submission, TableRow } from './submission.js';

/** What a batch writes beside its persons. */
export interface Told {
  rows: Map<string, { table: string; columns: readonly string[]; values: TableRow['values'][] }>;
  /** By table and key: of several for the same key the last one counts. */
  sets: Map<string, Map<string, RowSet>>;
  events: NewEvent[];
  authors: Map<string, Partial<NewEvent>>;
  pushHashes: Map<string, string | null>;
  deactivated: string[];
  unmatched: string[];
}

/** What the submissions want written beside the persons, gathered by table so that each takes one statement. */
export function gatherEffects(submissions: readonly Submission[], settled: readonly Settled[], now: Micros): Told {
  const told: Told = {
    rows: new Map(),
    sets: new Map(),
    events: [],
    authors: new Map(),
    pushHashes: new Map(),
    deactivated: [],
    unmatched: [],
  };
  for (const [index, submission] of submissions.entries()) {
    const one = settled[index];
    if (one?.kind === 'planned') gatherOne(told, submission, one, now);
    // The record that they stood for is to be heard again, should it come: it holds against this one.
    if (one?.kind === 'held') told.pushHashes.set(one.outcome.identityId, null);
    const { ofChunk } = submission;
    if (ofChunk) addEffects(told, ofChunk.conclude(settled.slice(index + 1 - ofChunk.size, index + 1)));
  }
  return told;
}

function gatherOne(told: Told, submission: Submission, { outcome, known }: Settled & { kind: 'planned' }, now: Micros) {
  const { userId, identityId, result, endSessions: ending } = outcome;
  if (userId !== null) {
    const actor = submission.actor ?? { type: 'user', id: userId };
    told.authors.set(userId, { actor, via: submission.via, runId: submission.runId ?? null });
  }
  if (identityId !== null && submission.purpose === 'push' && result !== 'failed' && result !== 'stale') {
    // Two records of one person in a batch: the next push shall look again.
    told.pushHashes.set(identityId, told.pushHashes.has(identityId) ? null : (submission.pushHash ?? null));
  }
  if (identityId !== null && ending === 'deactivated') told.deactivated.push(identityId);
  if (identityId !== null && ending === 'no_rule_matched') told.unmatched.push(identityId);
  if (submission.conclude) addEffects(told, submission.conclude(outcome, known, now));
}

function addEffects(told: Told, effects: Effects): void {
  told.events.push(...effects.events);
  for (const row of effects.rows) addRow(told, row);
  for (const set of effects.sets ?? []) addSet(told, set);
}

function addSet(told: Told, set: RowSet): void {
  const place = `${set.table} ${set.by.join()}`;
  const key = JSON.stringify(set.values);
  const sets = told.sets.get(place);
  if (!sets) told.sets.set(place, new Map([[key, set]]));
  else sets.set(key, afterAnother(sets.get(key), set));
}

/** Against what is stored, and not against what the one before it in the batch would have left. */
function afterAnother(first: RowSet | undefined, { moving, ...set }: RowSet): RowSet {
  const isFirst = first?.isFirst ?? set.isFirst;
  const isMoving = moving !== undefined && (first === undefined || first.moving !== undefined);
  return { ...set, isFirst, ...(isMoving ? { moving } : {}) };
}

function addRow(told: Told, { table, columns, values }: TableRow): void {
  const rows = told.rows.get(table);
  if (rows) rows.values.push(values);
  else told.rows.set(table, { table, columns, values: [values] });
}

/** Writes the row sets of a batch: for each table what is there goes, in the order of its keys, and what shall be comes. */
export async function writeRowSets(tx: EntityManager, engine: Engine, all: Told['sets']): Promise<void> {
  for (const sets of all.values()) {
    const inOrder = [...sets].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, set]) => set);
    const [first] = inOrder;
    if (!first) continue;
    const { table, by, columns } = first;
    const rowsOf = (sets: readonly RowSet[]) => sets.flatMap(({ rows }) => rows);
    const [standing = [], replaced = []] = [true, false].map((is) =>
      inOrder.filter(({ moving, isFirst }) => (moving !== undefined && !isFirst) === is),
    );
    const old = replaced.filter(({ isFirst }) => !isFirst).map(({ values }) => values);
    await deleteByKeys(tx, table, by, old);
    await insertRows(tx, table, columns, rowsOf(replaced));
    const update = standing[0]?.moving ?? [];
    await upsertRows(tx, engine, { table, columns, key: by, update }, rowsOf(standing));
  }
}
