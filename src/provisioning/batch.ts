import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { LedgerService, type NewEvent } from '../ledger/ledger.service.js';
import type { PersonChanges } from '../plan/changes.js';
import { planStatement } from '../plan/plan.js';
import type { PlanContext } from '../plan/policy.js';
import { breathe } from '../platform/breathe.js';
import { Clock, type Micros } from '../platform/clock.js';
import { Database, databaseUnavailable } from '../platform/database.js';
import { databaseTroubleOf } from '../platform/database-errors.js';
import { newId } from '../platform/ids.js';
import { Problem } from '../platform/problem.js';
import { insertRows, selectByKeys } from '../platform/sql.js';
import { endSessions } from '../records/sessions/end-sessions.js';
import { PersonsMoved, PersonWriter } from '../records/users/person-writer.js';
import { loadBatch, type LoadedBatch } from './batch-loader.js';
import { ConnectionPolicies, type KnownConnection } from './connection-policies.js';
import { ConnectionMoved, holdConnections } from './hold-connections.js';
import { guardOwners } from './owner-guard.js';
import type { Effects, Settled, Submission, TableRow } from './submission.js';

const ATTEMPTS_MAX = 8;
/** Planned in a row: about a millisecond. */
const PLANNED_IN_A_ROW = 40;

export interface PlannedBatch {
  now: Micros;
  loaded: LoadedBatch;
  settled: Settled[];
  changes: PersonChanges[];
}

/** Takes statements through load, plan and write; any number of them costs a handful of reads and statements. */
@Injectable()
export class Batch {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly policies: ConnectionPolicies,
    private readonly writer: PersonWriter,
    private readonly ledger: LedgerService,
  ) {}

  /** What would become of these statements; writes nothing. The same code as `run`. */
  async plan(submissions: readonly Submission[]): Promise<PlannedBatch> {
    const [known, used] = await Promise.all([
      this.policies.load(submissions.map((each) => each.statement.connectionId)),
      this.findUsedTokens(submissions),
    ]);
    const loaded = await loadBatch(
      this.database.read,
      submissions.map((each) => each.statement),
      (id) => known.get(id)?.policy,
    );
    const now = this.clock.now();
    const context: PlanContext = { now, newId, findPolicy: (id) => known.get(id)?.policy ?? null };
    await this.addPoliciesOfOthers(loaded, known);
    const settled: Settled[] = [];
    for (const each of submissions) {
      settled.push(settleOne(each, known, loaded, context, used));
      if (settled.length % PLANNED_IN_A_ROW === 0) await breathe();
    }
    return { now, loaded, settled, changes: loaded.directory.changes(now) };
  }

  /**
   * Plans and writes. Rows that another writer moved in between are loaded and planned again. Throws when the database
   * refuses the whole: then nothing of it is written.
   */
  async run(
    submissions: readonly Submission[],
    alongside?: (tx: EntityManager, planned: PlannedBatch) => Promise<void>,
  ) {
    for (let attempt = 1; ; attempt++) {
      try {
        const planned = await this.plan(submissions);
        await this.write(submissions, planned, alongside);
        return planned.settled;
      } catch (error) {
        if (!isMoved(error) || attempt === ATTEMPTS_MAX) throw toProblem(error);
      }
    }
  }

  private async write(
    submissions: readonly Submission[],
    planned: PlannedBatch,
    alongside?: (tx: EntityManager, planned: PlannedBatch) => Promise<void>,
  ): Promise<void> {
    const { settled, changes, now, loaded } = planned;
    const told = gatherEffects(submissions, settled, now);
    if (changes.length + told.rows.size + told.events.length === 0 && !alongside) return;
    await this.database.transaction(async (tx) => {
      await guardOwners(tx, changes, now);
      await holdConnections(tx, versionsOf(settled));
      await this.writer.write(tx, changes, {
        actor: { type: 'system', id: 'system' },
        via: 'system',
        revisions: loaded.revisions,
        pushHashes: told.pushHashes,
        eventOf: (change) => told.authors.get(change.userId) ?? {},
      });
      await endSessions(tx, 'identityId', told.deactivated, 'deactivated', now);
      await endSessions(tx, 'identityId', told.unmatched, 'no_rule_matched', now);
      for (const { columns, table, values } of told.rows.values()) await insertRows(tx, table, columns, values);
      await this.ledger.record(tx, told.events);
      await alongside?.(tx, planned);
    });
  }

  /** A linked user's profile can come from connections that no statement of the batch names. */
  private async addPoliciesOfOthers(loaded: LoadedBatch, known: Map<string, KnownConnection>): Promise<void> {
    const missing = loaded.directory.connectionIds().filter((id) => !known.has(id));
    if (missing.length === 0) return;
    for (const [id, one] of await this.policies.load(missing)) known.set(id, one);
  }

  private async findUsedTokens(submissions: readonly Submission[]): Promise<Set<string>> {
    const hashes = new Map<string, string[]>();
    for (const { once, statement } of submissions) {
      if (!once) continue;
      const list = hashes.get(statement.connectionId);
      if (list) list.push(once.jtiHash);
      else hashes.set(statement.connectionId, [once.jtiHash]);
    }
    const used = new Set<string>();
    for (const [connectionId, list] of hashes) {
      const rows = await selectByKeys(
        this.database.read,
        (keys) => `SELECT jtiHash FROM used_tokens WHERE connectionId = ? AND jtiHash IN ${keys}`,
        [connectionId],
        list,
      );
      for (const row of rows) used.add(`${connectionId} ${String(row.jtiHash)}`);
    }
    return used;
  }
}

function settleOne(
  submission: Submission,
  known: ReadonlyMap<string, KnownConnection>,
  { directory }: LoadedBatch,
  context: PlanContext,
  used: Set<string>,
): Settled {
  const { statement, once, connectionVersion, purpose } = submission;
  const connection = known.get(statement.connectionId);
  if (!connection || connection.row.status !== 'active' || !connection.tenantActive) return { kind: 'moved' };
  if (connectionVersion !== undefined && connection.row.version !== connectionVersion) return { kind: 'moved' };
  if (once) {
    const token = `${statement.connectionId} ${once.jtiHash}`;
    if (used.has(token)) return { kind: 'replayed' };
    used.add(token);
  }
  const outcome = planStatement(directory, statement, connection.policy, context, purpose);
  return { kind: 'planned', outcome, known: connection };
}

interface Told {
  rows: Map<string, { table: string; columns: readonly string[]; values: TableRow['values'][] }>;
  events: NewEvent[];
  authors: Map<string, Partial<NewEvent>>;
  pushHashes: Map<string, string | null>;
  deactivated: string[];
  unmatched: string[];
}

/** What the submissions want written beside the persons, gathered by table so that each takes one statement. */
function gatherEffects(submissions: readonly Submission[], settled: readonly Settled[], now: Micros): Told {
  const told: Told = {
    rows: new Map(),
    events: [],
    authors: new Map(),
    pushHashes: new Map(),
    deactivated: [],
    unmatched: [],
  };
  for (const [index, submission] of submissions.entries()) {
    const one = settled[index];
    if (one?.kind === 'planned') gatherOne(told, submission, one, now);
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
  if (submission.once && result !== 'refused') {
    addRow(told, {
      table: 'used_tokens',
      columns: ['connectionId', 'jtiHash', 'expiresAt'],
      values: [submission.statement.connectionId, submission.once.jtiHash, submission.once.expiresAt],
    });
  }
  if (submission.conclude) addEffects(told, submission.conclude(outcome, known, now));
}

function addEffects(told: Told, effects: Effects): void {
  told.events.push(...effects.events);
  for (const row of effects.rows) addRow(told, row);
}

function addRow(told: Told, { table, columns, values }: TableRow): void {
  const rows = told.rows.get(table);
  if (rows) rows.values.push(values);
  else told.rows.set(table, { table, columns, values: [values] });
}

/** The versions of the connections under which the plan was made. */
function versionsOf(settled: readonly Settled[]): Map<string, number> {
  const versions = new Map<string, number>();
  for (const one of settled) if (one.kind === 'planned') versions.set(one.known.row.id, one.known.row.version);
  return versions;
}

/** Planned on what was true no more: to be planned anew. */
function isMoved(error: unknown): boolean {
  return error instanceof PersonsMoved || error instanceof ConnectionMoved || databaseTroubleOf(error) === 'duplicate';
}

function toProblem(error: unknown): unknown {
  // An outage says so itself; only its cause is the driver's error.
  if (error instanceof Problem) return error;
  const trouble = databaseTroubleOf(error);
  if (trouble === 'unavailable') return databaseUnavailable(error);
  if (isMoved(error) || trouble === 'conflict') {
    return new Problem('conflict', 'Others kept changing the same users; send it again.', {
      retryAfterSeconds: 1,
      cause: error,
    });
  }
  return error;
}
