import type { GrantWord } from '../../plan/changes.js';
import { diffPerson } from '../../plan/diff.js';
import type { PlanProblem } from '../../plan/outcome.js';
import type { Micros } from '../../platform/clock.js';
import type { Fault } from '../../platform/problem.js';
import type { Settled } from '../../provisioning/submission.js';
import type { RunFailure } from '../../records/sync-runs/run-rows.js';

export type RecordResultName = 'created' | 'updated' | 'unchanged' | 'deactivated' | 'stale' | 'held' | 'failed';

/** What became of one record, in the order in which they were sent. */
export interface RecordResult {
  externalId: string | null;
  result: RecordResultName;
  userId?: string;
  /** The number of an earlier record of the same person in this push, which was applied before this one. */
  duplicateOf?: number;
  /** Of a dry run: what would be written of the person. */
  changes?: RecordChanges;
  problem?: { code: string; detail: string; faults?: Fault[] };
}

/** Names of fields, and `role editor`, `entitlement report:1`. */
export interface RecordChanges {
  fields: string[];
  granted: string[];
  revoked: string[];
}

export type SyncCounts = Record<RecordResultName, number>;

export function countResults(results: readonly RecordResult[]): SyncCounts {
  const counts: SyncCounts = { created: 0, updated: 0, unchanged: 0, deactivated: 0, stale: 0, held: 0, failed: 0 };
  for (const each of results) counts[each.result] += 1;
  return counts;
}

export function failuresOf(results: readonly RecordResult[], numberOf: (index: number) => number): RunFailure[] {
  const failures: RunFailure[] = [];
  for (const [index, { externalId, problem } = NO_RESULT] of results.entries()) {
    if (problem) failures.push({ record: numberOf(index), externalId, problem });
  }
  return failures;
}

const NO_RESULT: Partial<RecordResult> & { externalId: null } = { externalId: null };

/** A settled statement in the words of a push. */
export function toRecordResult(settled: Settled | undefined, externalId: string): RecordResult {
  if (!settled || settled.kind === 'moved') {
    return failed(externalId, 'conflict', 'The connection was closed or changed meanwhile; send it again.');
  }
  if (settled.kind === 'failed') {
    const { code, detail, title } = settled.problem;
    return failed(externalId, code, detail ?? title);
  }
  if (settled.kind === 'replayed') return failed(externalId, 'conflict', 'It was sent before.');
  if (settled.kind === 'held') return { externalId, result: 'held', userId: settled.outcome.userId };
  const { outcome } = settled;
  const { problem, userId } = outcome;
  if (outcome.result === 'failed' || outcome.result === 'refused') {
    return failed(
      externalId,
      problem?.code ?? 'conflict',
      problem?.detail ?? '',
      problem ? faultsOf(problem) : undefined,
    );
  }
  const result: RecordResult = { externalId, result: outcome.result === 'reactivated' ? 'updated' : outcome.result };
  if (userId !== null) result.userId = userId;
  return result;
}

function faultsOf({ others = [], ...first }: PlanProblem): Fault[] | undefined {
  const faults = [first, ...others].flatMap(({ pointer, detail }) =>
    pointer === undefined ? [] : { pointer, detail },
  );
  return faults.length === 0 ? undefined : faults;
}

export function failed(externalId: string | null, code: string, detail: string, faults?: Fault[]): RecordResult {
  return { externalId, result: 'failed', problem: { code, detail, ...(faults ? { faults } : {}) } };
}

/** Of a dry run: the id of a user who was made for it alone would be looked for in vain. */
export function withoutMadeUpId({ userId, ...rest }: RecordResult, settled: Settled | undefined): RecordResult {
  const person = settled?.kind === 'planned' || settled?.kind === 'held' ? settled.outcome.person : null;
  return userId === undefined || person?.user.version === 0 ? rest : { ...rest, userId };
}

/** What a planned statement changes of the person; null for nothing. */
export function tellChanges(settled: Settled | undefined, now: Micros): RecordChanges | null {
  if (settled?.kind !== 'planned' && settled?.kind !== 'held') return null;
  const { result, before = null, person } = settled.outcome;
  if (!person || (before === null && result !== 'created')) return null;
  const event = diffPerson(before, person, now)?.event;
  if (!event) return null;
  const words = (grants: readonly GrantWord[]) => [...new Set(grants.map(({ kind, key }) => `${kind} ${key}`))].sort();
  return { fields: event.fields, granted: words(event.granted), revoked: words(event.revoked) };
}
