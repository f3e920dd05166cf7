import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { LedgerService, type NewEvent } from '../../ledger/ledger.service.js';
import { Clock, type Micros } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { databaseTroubleOf } from '../../platform/database-errors.js';
import { Problem } from '../../platform/problem.js';
import type { PlannedBatch } from '../../provisioning/batch.js';
import type { KnownConnection } from '../../provisioning/connection-policies.js';
import { ConnectionMoved, holdConnections } from '../../provisioning/hold-connections.js';
import { ProvisioningService } from '../../provisioning/provisioning.service.js';
import { RemovalGuard, RemovalsWait } from '../../provisioning/removal-guard.js';
import { startGroupRun } from '../../records/groups/start-group-run.js';
import type { GroupPlan } from './plan-group.js';
import { followGroups, type PendingGroup } from './group-statement.js';
import { type GroupRow, lockGroup } from './group-store.js';
import { guardPeople } from './guard-people.js';
import { toProblem } from './scim-outcome.js';
import { Turns } from './turns.js';
import { type GroupDelta, GroupMoved, writeGroup } from './write-group.js';

const ATTEMPTS_MAX = 10;
/** After so many tries to take the members along at once, a run takes care of them: it needs nobody to hold still. */
const ATTEMPTS_AT_ONCE_MAX = 3;

type ReadPlan = () => Promise<{ known: KnownConnection; plan: GroupPlan | GroupRow }>;

export interface WrittenGroup {
  /** As it is now; null when it is gone. */
  group: GroupRow | null;
  /** Something of it has changed. */
  changed: boolean;
}

/** Who brings a change about, and under which connection. */
interface Terms {
  known: KnownConnection;
  actor: NewEvent['actor'];
  /** Those who stay in a group that is renamed follow by a run, which holds what it takes from them. */
  isTripped: boolean;
}

/**
 * Writes groups and brings the roles of their members along: up to a thousand people in the transaction of the change,
 * more by a run that the change orders and that nobody waits for. So are those from whom a new name takes more than a run
 * may take by itself (the safety catch); who comes or goes is the provider's word for that person.
 */
@Injectable()
export class GroupWriter {
  private readonly turns = new Turns();

  constructor(
    private readonly provisioning: ProvisioningService,
    private readonly database: Database,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  /**
   * Plans and writes a change; planned anew when what it was planned from moved meanwhile. `plan` reads the connection and
   * the group as they are, and answers the group itself where nothing changes. Throws what `plan` throws,
   * `scim_uniqueness`, `last_owner`.
   *
   * @param turn changes that name the same wait for one another, instead of moving what each is planned from
   */
  write(actor: NewEvent['actor'], plan: ReadPlan, turn?: string): Promise<WrittenGroup> {
    return this.turns.take(turn === undefined ? [] : [turn], () => this.tryToWrite(actor, plan));
  }

  private async tryToWrite(actor: NewEvent['actor'], plan: ReadPlan): Promise<WrittenGroup> {
    let isTripped = false;
    for (let attempt = 1; ; attempt++) {
      const { known, plan: planned } = await plan();
      if (!('add' in planned)) return { group: planned, changed: false };
      try {
        return planned.people === null || attempt > ATTEMPTS_AT_ONCE_MAX
          ? await this.writeWithRun(planned, known, actor)
          : await this.writeAtOnce(planned, planned.people, { known, actor, isTripped });
      } catch (error) {
        if (error instanceof RemovalsWait) {
          isTripped = true;
          continue;
        }
        if (!isMoved(error) && !isContended(error)) throw error;
        if (attempt >= ATTEMPTS_MAX) {
          const detail = 'Others kept changing the same group; send it again.';
          throw new Problem('conflict', detail, { retryAfterSeconds: 1, cause: error });
        }
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 5 * 2 ** attempt));
      }
    }
  }

  private async writeAtOnce(
    plan: GroupPlan,
    people: readonly string[],
    { known, actor, isTripped }: Terms,
  ): Promise<WrittenGroup> {
    const { tenantId, id: connectionId, version, mappingVersion, settings } = known.row;
    const of = { tenantId, connectionId, actor, runId: null };
    const pending = pendingGroup(plan);
    const staying = findStaying(plan, people);
    const followed = isTripped ? people.filter((id) => !staying.has(id)) : people;
    const guard = new RemovalGuard('count', settings.safetyCatch, null);
    const submissions = followed.map((id) => ({
      ...followGroups(of, id, pending),
      ...(staying.has(id) ? { guard } : {}),
    }));
    let written: WrittenGroup = { group: plan.before, changed: false };
    // Providers put a person into all their groups at the same moment.
    await this.turns.take(followed, () =>
      this.provisioning.submitWhole(submissions, async (tx, planned) => {
        checkOutcomes(planned);
        if (followed.length === 0) await holdConnections(tx, new Map([[connectionId, version]]));
        await guardPeople(tx, followed, planned);
        const before = await this.lock(tx, plan);
        if (plan.everyone && before?.version !== plan.before?.version) throw new GroupMoved();
        const delta = await writeGroup(tx, plan, before, planned.now);
        if (isTripped && plan.after && staying.size > 0) {
          const order = { tenantId, connectionId, mappingVersion, actor, now: planned.now };
          await startGroupRun(tx, order, { groupId: plan.after.id });
        }
        written = await this.conclude(tx, plan, delta, actor);
      }),
    );
    return written;
  }

  private async writeWithRun(plan: GroupPlan, known: KnownConnection, actor: NewEvent['actor']): Promise<WrittenGroup> {
    const { tenantId, id: connectionId, version, mappingVersion } = known.row;
    return this.database.transaction(async (tx) => {
      const now: Micros = this.clock.now();
      await holdConnections(tx, new Map([[connectionId, version]]));
      const before = await this.lock(tx, plan);
      const order = { tenantId, connectionId, mappingVersion, actor, now };
      if (!plan.after && before) await startGroupRun(tx, order, { groupId: before.id });
      const delta = await writeGroup(tx, plan, before, now);
      if (plan.after && plan.everyone) {
        await startGroupRun(tx, order, { groupId: plan.after.id, identityIds: delta.removed });
      } else if (plan.after) {
        await startGroupRun(tx, order, { identityIds: [...delta.added, ...delta.removed] });
      }
      return this.conclude(tx, plan, delta, actor);
    });
  }

  /** The group as it is stored, held until the end of the transaction; throws where the plan is not of it. */
  private async lock(tx: EntityManager, { before, exact }: GroupPlan): Promise<GroupRow | null> {
    if (!before) return null;
    const stored = await lockGroup(tx, before.connectionId, before.id);
    const isSame = stored?.revision === before.revision && (!exact || stored.version === before.version);
    if (!isSame) throw new GroupMoved();
    return stored;
  }

  private async conclude(
    tx: EntityManager,
    { before, after }: GroupPlan,
    { group, fields }: GroupDelta,
    actor: NewEvent['actor'],
  ): Promise<WrittenGroup> {
    const subject = group ?? before ?? after;
    if (!subject || (group && fields.length === 0)) return { group, changed: false };
    const { tenantId, id, version } = subject;
    const type = !before ? 'group.created' : group ? 'group.updated' : 'group.deleted';
    await this.ledger.record(tx, [
      {
        tenantId,
        type,
        subject: { type: 'group', id, version: group ? version : version + 1 },
        actor,
        via: 'scim',
        fields,
      },
    ]);
    return { group, changed: true };
  }
}

/** The group as its members' facts shall name it. */
function pendingGroup({ before, after, add, remove, everyone }: GroupPlan): PendingGroup | null {
  const names = after ?? before;
  if (!names) return null;
  const { id, displayName, externalId } = names;
  const added = new Set(add.map((each) => each.id));
  const removed = new Set(remove);
  const isMember = (identityId: string): boolean =>
    after !== null && !removed.has(identityId) && (everyone || added.has(identityId));
  return { id, displayName, externalId, isMember };
}

/** The members of a group that is renamed, but for those who come and go. */
function findStaying({ after, everyone, add, remove }: GroupPlan, people: readonly string[]): Set<string> {
  if (!after || !everyone) return new Set();
  const moving = new Set([...add.map(({ id }) => id), ...remove]);
  return new Set(people.filter((id) => !moving.has(id)));
}

/** A 2xx means applied: one person whom the plan refuses, and nothing of it is written. */
function checkOutcomes({ settled }: PlannedBatch): void {
  for (const one of settled) {
    if (one.kind === 'failed') throw one.problem;
    if (one.kind !== 'planned') throw new Problem('conflict', 'The connection was closed or changed meanwhile.');
    const { result, problem } = one.outcome;
    if (result !== 'failed') continue;
    // Deleted since it was read.
    if (problem?.code === 'not_found') throw new GroupMoved();
    throw toProblem(problem);
  }
}

/** Others keep changing the same people. */
function isContended(error: unknown): boolean {
  return error instanceof Problem ? error.code === 'conflict' : databaseTroubleOf(error) === 'conflict';
}

function isMoved(error: unknown): boolean {
  return error instanceof GroupMoved || error instanceof ConnectionMoved || databaseTroubleOf(error) === 'duplicate';
}
