import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { PersonChanges } from '../plan/changes.js';
import { findLoss } from '../plan/losses.js';
import { planReplan } from '../plan/plan.js';
import type { Outcome } from '../plan/outcome.js';
import type { ConnectionPolicy, PlanContext } from '../plan/policy.js';
import { Clock, type Micros } from '../platform/clock.js';
import { Database } from '../platform/database.js';
import { databaseTroubleOf } from '../platform/database-errors.js';
import { newId } from '../platform/ids.js';
import { Problem } from '../platform/problem.js';
import type { NewEntry } from '../records/sync-runs/run-entries.js';
import { endSessions } from '../records/sessions/end-sessions.js';
import { loadPersons } from '../records/users/person-loader.js';
import { PersonsMoved, PersonWriter, type WriteContext } from '../records/users/person-writer.js';
import { type LoadedBatch, loadHolders, toBatch } from './batch-loader.js';
import { ConnectionPolicies } from './connection-policies.js';
import { holdMapping } from './hold-connections.js';
import { guardOwners } from './owner-guard.js';

export interface ReplannedChunk {
  loaded: LoadedBatch;
  /** But of those who are `held`. */
  outcomes: Outcome[];
  held: NewEntry[];
  changes: PersonChanges[];
  now: Micros;
}

/** Whether those who would lose something are written with the others, or left as they are and told. */
export type Removals = 'write' | 'hold';

export type ReplanCounts = Record<'changed' | 'unchanged' | 'failed', number>;

type Alongside = (tx: EntityManager, counts: ReplanCounts, held: readonly NewEntry[]) => Promise<void>;

const ATTEMPTS_MAX = 8;

/** Brings some people of a connection to what follows from its present rules, or tells what that would be. */
@Injectable()
export class ReplanChunk {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly policies: ConnectionPolicies,
    private readonly writer: PersonWriter,
  ) {}

  /** The connection's present policy; null if it is gone. */
  async findPolicy(connectionId: string): Promise<ConnectionPolicy | null> {
    return (await this.policies.find(connectionId))?.policy ?? null;
  }

  /** What the policy makes of these users; writes nothing. */
  async plan(policy: ConnectionPolicy, userIds: readonly string[], removals: Removals): Promise<ReplannedChunk> {
    const loaded = await this.load(policy, userIds);
    const others = await this.policies.load(loaded.directory.connectionIds().filter((id) => id !== policy.id));
    const now = this.clock.now();
    const findPolicy = (id: string) => (id === policy.id ? policy : (others.get(id)?.policy ?? null));
    const context: PlanContext = { now, newId, findPolicy };
    const all = [...new Set(userIds)].flatMap((userId) => planReplan(loaded.directory, userId, policy, context));
    const held = removals === 'hold' ? all.flatMap((outcome) => putBack(loaded, outcome, now) ?? []) : [];
    const heldIds = new Set(held.map(({ identityId }) => identityId));
    const outcomes = all.filter(({ identityId }) => identityId === null || !heldIds.has(identityId));
    return { loaded, outcomes, held, changes: loaded.directory.changes(now), now };
  }

  /** Plans and writes. A chunk that is refused as a whole is written person by person: only the bad one stays behind. */
  async apply(
    policy: ConnectionPolicy,
    userIds: readonly string[],
    by: Pick<WriteContext, 'actor' | 'runId'> & { removals: Removals },
    alongside: Alongside,
  ): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const planned = await this.plan(policy, userIds, by.removals);
      try {
        await this.database.transaction(async (tx) => {
          await guardOwners(tx, planned.changes, planned.now);
          await holdMapping(tx, policy.id, policy.mappingVersion);
          await this.write(tx, planned, by, alongside);
        });
        return;
      } catch (error) {
        // Or somebody has taken a name meanwhile.
        const isMoved = error instanceof PersonsMoved || databaseTroubleOf(error) === 'duplicate';
        if (isMoved && attempt < ATTEMPTS_MAX) continue;
        if (!isMoved && !(error instanceof Problem && error.status < 500)) throw error;
        if (userIds.length > 1) return this.applySingly(policy, userIds, by, alongside);
        await this.database.transaction((tx) => alongside(tx, { changed: 0, unchanged: 0, failed: 1 }, []));
        return;
      }
    }
  }

  private async load(policy: ConnectionPolicy, userIds: readonly string[]): Promise<LoadedBatch> {
    const { read } = this.database;
    const persons = await loadPersons(read, policy.tenantId, userIds);
    const loaded = toBatch([persons]);
    const identities = [...persons.persons.values()].flatMap((person) => person.identities);
    const own = identities.filter(({ connectionId }) => connectionId === policy.id);
    await loadHolders(read, policy, own, loaded);
    return loaded;
  }

  private async applySingly(...[policy, userIds, by, alongside]: Parameters<ReplanChunk['apply']>): Promise<void> {
    for (const userId of userIds) await this.apply(policy, [userId], by, alongside);
  }

  private async write(
    tx: EntityManager,
    { loaded, outcomes, held, changes, now }: ReplannedChunk,
    { actor, runId }: Pick<WriteContext, 'actor' | 'runId'>,
    alongside: Alongside,
  ): Promise<void> {
    await this.writer.write(tx, changes, { actor, runId, via: 'replan', revisions: loaded.revisions });
    for (const reason of ['deactivated', 'no_rule_matched'] as const) {
      const ending = outcomes.flatMap((one) => (one.endSessions === reason && one.identityId ? [one.identityId] : []));
      await endSessions(tx, 'identityId', ending, reason, now);
    }
    const failed = outcomes.filter(({ result }) => result === 'failed' || result === 'refused').length;
    const changed = changes.filter(({ quiet }) => !quiet).length;
    await alongside(tx, { changed, failed, unchanged: Math.max(0, outcomes.length - failed - changed) }, held);
  }
}

/** Somebody who would lose something stays as they are; what they would lose. */
function putBack({ directory, revisions }: LoadedBatch, outcome: Outcome, now: Micros): NewEntry | null {
  const { before, userId, identityId } = outcome;
  const loss = findLoss(outcome, now);
  if (!loss || !before || userId === null || identityId === null) return null;
  directory.put(before);
  const externalId = before.identities.find(({ id }) => id === identityId)?.externalId ?? null;
  const revision = revisions.get(identityId) ?? 0;
  const what = { change: 'replan', record: null, at: now, statement: null } as const;
  return { ...what, userId, identityId, externalId, revision, ...loss };
}
