import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { LedgerService, SYSTEM } from '../ledger/ledger.service.js';
import type { PersonChanges } from '../plan/changes.js';
import { planStatement } from '../plan/plan.js';
import type { PlanContext } from '../plan/policy.js';
import { breathe } from '../platform/breathe.js';
import { Clock, type Micros } from '../platform/clock.js';
import { Database, databaseUnavailable } from '../platform/database.js';
import { databaseTroubleOf } from '../platform/database-errors.js';
import { newId } from '../platform/ids.js';
import { Problem } from '../platform/problem.js';
import { insertRows, selectByKeys, writeTogether } from '../platform/sql.js';
import { endSessions } from '../records/sessions/end-sessions.js';
import { areNew } from '../records/users/change-rows.js';
import { PersonsMoved, PersonWriter } from '../records/users/person-writer.js';
import { loadBatch, type LoadedBatch } from './batch-loader.js';
import { ConnectionPolicies, type KnownConnection } from './connection-policies.js';
import { ConnectionMoved, holdConnections } from './hold-connections.js';
import { gatherAccountChanges, writeAccountChanges } from './offboarding.js';
import { guardOwners } from './owner-guard.js';
import { RemovalTally } from './removal-guard.js';
import { gatherEffects, writeRowSets } from './effects.js';
import type { Effects, SceneLoader, Settled, Submission } from './submission.js';

const ATTEMPTS_MAX = 8;
/** Planned in a row: about a millisecond. */
const PLANNED_IN_A_ROW = 40;

export interface PlannedBatch {
  now: Micros;
  loaded: LoadedBatch;
  settled: Settled[];
  removals: RemovalTally;
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
    return this.planAfter(submissions, this.findUsedTokens(submissions), false);
  }

  /** `trusting`: what submissions believe to be new is not looked for, so only a write can tell whether it is. */
  private async planAfter(
    submissions: readonly Submission[],
    using: Promise<Set<string>>,
    trusting: boolean,
  ): Promise<PlannedBatch> {
    const [{ known, loaded }, used] = await Promise.all([this.load(submissions, trusting), using]);
    const now = this.clock.now();
    const context: PlanContext = { now, newId, findPolicy: (id) => known.get(id)?.policy ?? null };
    await this.addPoliciesOfOthers(loaded, known);
    const extras = await loadExtras(this.database.read, submissions);
    const removals = new RemovalTally(loaded.directory, loaded.revisions, now);
    const settled: Settled[] = [];
    for (const each of submissions) {
      settled.push(settleOne(each, known, { loaded, extras, used, removals }, context));
      if (settled.length % PLANNED_IN_A_ROW === 0) await breathe();
    }
    await removals.check(this.database.read);
    return { now, loaded, settled, removals, changes: loaded.directory.changes(now) };
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
        // That a token was used before is told by its session's row, which cannot be inserted twice: few are, so nobody
        // looks first.
        const isFirst = attempt === 1;
        const using = isFirst ? Promise.resolve(new Set<string>()) : this.findUsedTokens(submissions);
        const planned = await this.planAfter(submissions, using, isFirst);
        await this.write(submissions, planned, alongside);
        planned.removals.keep();
        return planned.settled;
      } catch (error) {
        if (!isMoved(error) || attempt === ATTEMPTS_MAX) throw toProblem(error);
      }
    }
  }

  /** What belongs to a chunk that was written statement by statement. */
  async writeEffects({ rows, events }: Effects): Promise<void> {
    await this.database.transaction(async (tx) => {
      for (const { table, columns, values } of rows) await insertRows(tx, table, columns, [values]);
      await this.ledger.record(tx, events);
    });
  }

  /** The connections as they are now, and the persons. Both at once where the policies that are kept are still true. */
  private async load(submissions: readonly Submission[], trusting: boolean) {
    const ids = new Set(submissions.map((each) => each.statement.connectionId));
    const statements = submissions.map((each) => each.statement);
    const believedNew = new Set(trusting ? submissions.flatMap((each) => (each.isNew ? [each.statement] : [])) : []);
    return this.database.readTogether(async (manager) => {
      const from = { read: manager, engine: this.database.engine };
      const loadUnder = (policies: ReadonlyMap<string, KnownConnection>) =>
        loadBatch(from, statements, (id) => policies.get(id)?.policy, believedNew);
      const kept = this.policies.findKept(ids);
      const [known, early] = await Promise.all([this.policies.load([...ids], manager), kept && loadUnder(kept)]);
      const isTrue = kept && [...ids].every((id) => known.get(id) === kept.get(id));
      return { known, loaded: early && isTrue ? early : await loadUnder(known) };
    });
  }

  private async write(
    submissions: readonly Submission[],
    planned: PlannedBatch,
    alongside?: (tx: EntityManager, planned: PlannedBatch) => Promise<void>,
  ): Promise<void> {
    const { settled, changes, now, loaded } = planned;
    const told = gatherEffects(submissions, settled, now);
    if (changes.length + told.rows.size + told.sets.size + told.events.length === 0 && !alongside) return;
    const locksNothing = (areNew(changes) || changes.every(({ quiet }) => quiet)) && !alongside;
    await this.database.transaction(async (tx) => {
      const writes = [
        () => guardOwners(tx, changes, now),
        () => holdConnections(tx, versionsOf(settled)),
        () =>
          this.writer.write(tx, changes, {
            actor: SYSTEM,
            via: 'system',
            revisions: loaded.revisions,
            pushHashes: told.pushHashes,
            eventOf: (change) => told.authors.get(change.userId) ?? {},
          }),
        () => endSessions(tx, 'identityId', told.deactivated, 'deactivated', now),
        () => endSessions(tx, 'identityId', told.unmatched, 'no_rule_matched', now),
        () => writeAccountChanges(tx, this.database.engine, gatherAccountChanges(settled), now),
        ...[...told.rows.values()].map(
          ({ columns, table, values }) =>
            () =>
              insertRows(tx, table, columns, values),
        ),
        () => writeRowSets(tx, this.database.engine, told.sets),
        () => this.ledger.record(tx, told.events),
      ];
      // Where nothing has to be locked and read first, nothing waits for an answer either.
      if (locksNothing) await writeTogether(tx, writes);
      else for (const write of writes) await write();
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
    const marks = submissions.flatMap(({ tokenMark }) => tokenMark ?? []);
    const byMark = (keys: string) => `SELECT tokenMark FROM sessions WHERE tokenMark IN ${keys}`;
    const rows = await selectByKeys(this.database.read, byMark, [], marks);
    return new Set(rows.map((row) => String(row.tokenMark)));
  }
}

function settleOne(
  submission: Submission,
  known: ReadonlyMap<string, KnownConnection>,
  { loaded: { directory }, extras, used, removals }: Around,
  context: PlanContext,
): Settled {
  const { statement, tokenMark, connectionVersion, purpose } = submission;
  const connection = known.get(statement.connectionId);
  if (!connection || connection.row.status !== 'active' || !connection.tenantActive) return { kind: 'moved' };
  if (connectionVersion !== undefined && connection.row.version !== connectionVersion) return { kind: 'moved' };
  if (tokenMark) {
    if (used.has(tokenMark)) return { kind: 'replayed' };
    used.add(tokenMark);
  }
  const { policy } = connection;
  const extra = submission.beside && extras.get(submission.beside);
  const drafted = submission.draft?.({ directory, policy, context, extra }) ?? { statement };
  if ('problem' in drafted) return { kind: 'failed', problem: drafted.problem };
  if ('outcome' in drafted) return { kind: 'planned', outcome: drafted.outcome, known: connection };
  const outcome = planStatement(directory, drafted.statement, policy, context, purpose);
  return removals.guard(submission, { kind: 'planned', outcome, known: connection }, drafted.statement);
}

interface Around {
  loaded: LoadedBatch;
  extras: Extras;
  used: Set<string>;
  removals: RemovalTally;
}

type Extras = ReadonlyMap<SceneLoader, unknown>;

async function loadExtras(manager: EntityManager, submissions: readonly Submission[]): Promise<Extras> {
  const extras = new Map<SceneLoader, unknown>();
  for (const [loader, some] of Map.groupBy(submissions, (each) => each.beside)) {
    if (loader) extras.set(loader, await loader.load(manager, some));
  }
  return extras;
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
