import type { EntityManager } from 'typeorm';
import type { Micros } from '../../platform/clock.js';
import type { SqlValue } from '../../platform/database.js';
import { insertRows } from '../../platform/sql.js';
import { type EndedRun, tellOutcome } from './run-outcomes.js';
import { type RunCounts, RunEntity } from './run.entity.js';
import { addCounts } from './run-state.js';

type Given =
  'id' | 'tenantId' | 'connectionId' | 'kind' | 'cause' | 'mode' | 'actorType' | 'actorId' | 'mappingVersion';

/** A run at its start; `over` says what is known by then. */
export function newRun(given: Pick<RunEntity, Given>, now: Micros, over: Partial<RunEntity> = {}): RunEntity {
  return {
    ...given,
    status: 'running',
    phase: 'waiting',
    counts: {},
    upTo: 0,
    scope: '',
    statedAt: null,
    people: null,
    digest: null,
    holder: null,
    error: null,
    startedAt: now,
    aliveAt: now,
    cancelAt: null,
    finishedAt: null,
    heldUntil: null,
    ...over,
  };
}

/** Adds what a chunk did to a run, in the transaction of the chunk. */
export async function noteChunk(tx: EntityManager, runId: string, counts: RunCounts, now: Micros): Promise<void> {
  const stored = await tx.findOneByOrFail(RunEntity, { id: runId });
  await tx.update(
    RunEntity,
    { id: runId },
    { counts: addCounts(stored.counts, counts), phase: 'writing', aliveAt: now },
  );
}

/** What a run says once it is done. */
export function finishedAt(now: Micros) {
  return { status: 'finished', phase: 'ended', aliveAt: now, finishedAt: now } as const;
}

/** Ends a run that is under way still; somebody else may have ended it. */
export async function finishRun(tx: EntityManager, run: EndedRun, now: Micros): Promise<void> {
  const { affected } = await tx.update(RunEntity, { id: run.id, status: 'running' }, finishedAt(now));
  if (affected === 1) tellOutcome(tx, run, 'finished');
}

/** A record that was refused. */
export interface RunFailure {
  record: number;
  externalId: string | null;
  problem: { code: string; detail: string; faults?: readonly object[] };
}

export const FAILURE_COLUMNS = ['runId', 'record', 'tenantId', 'externalId', 'code', 'detail', 'faults', 'at'] as const;
const FAULTS_MAX = 50;

/** The row of a refused record, in the order of FAILURE_COLUMNS. What was sent may be of any length and spelling. */
export function failureRow(run: { id: string; tenantId: string }, failure: RunFailure, now: Micros): SqlValue[] {
  const { record, externalId, problem } = failure;
  const { code, detail, faults } = problem;
  return [
    run.id,
    record,
    run.tenantId,
    externalId === null ? null : cut(externalId, 255),
    code,
    cut(detail, 1000),
    faults ? JSON.stringify(faults.slice(0, FAULTS_MAX)) : null,
    now,
  ];
}

export async function insertFailures(tx: EntityManager, rows: readonly SqlValue[][]): Promise<void> {
  await insertRows(tx, 'run_failures', FAILURE_COLUMNS, rows);
}

function cut(text: string, charsMax: number): string {
  return text.slice(0, charsMax).toWellFormed();
}
