import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { DEFAULT_CATCH } from '../../plan/safety-catch.js';
import { Clock } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { Leases } from '../../platform/leases.js';
import { Problem } from '../../platform/problem.js';
import { Repetition } from '../../platform/repetition.js';
import { execute, placeholders, selectRows } from '../../platform/sql.js';
import type { PlannedBatch } from '../../provisioning/batch.js';
import { actorOfRun } from '../../provisioning/entry-submissions.js';
import { ProvisioningService } from '../../provisioning/provisioning.service.js';
import { RemovalGuard } from '../../provisioning/removal-guard.js';
import { RemovalsService } from '../../provisioning/removals.service.js';
import type { HeldStatement } from '../../provisioning/submission.js';
import { forgetMembers } from '../../records/groups/forget-members.js';
import { RunEntity } from '../../records/sync-runs/run.entity.js';
import { addEntries, type NewEntry } from '../../records/sync-runs/run-entries.js';
import { finishRun, noteChunk } from '../../records/sync-runs/run-rows.js';
import { type Followed, followGroups } from './group-statement.js';
import { guardPeople } from './guard-people.js';

const POLL_MS = 500;
const LEASE_MS = 15_000;
const CHUNK_PEOPLE = 500;
/** After each chunk nothing is done for half the time that it took: who logs in meanwhile comes first. */
const PAUSE_MS_MAX = 250;

/**
 * What was decided on, or agreed to, is carried out by RemovalsService. Nothing is done while a connection or its tenant
 * is closed; with a connection that is gone, nobody is due any more.
 */
const RUNS = `SELECT r.id AS id, r.connectionId AS connectionId FROM runs r
  LEFT JOIN connections c ON c.id = r.connectionId LEFT JOIN tenants t ON t.id = r.tenantId
  WHERE r.status = 'running' AND r.kind = 'groups' AND r.phase <> 'removing' AND r.id > ?
  AND (c.id IS NULL OR (c.status = 'active' AND t.status = 'active')) ORDER BY r.id LIMIT 100`;

/** The run cannot go on now: the connection is switched off, or others keep changing somebody. It is tried again soon. */
class RunWaits extends Error {}

/**
 * Carries out runs over groups: the people who are due follow what became of their groups, chunk by chunk. One instance
 * at a time works on a connection. Who is still due is in the database, so that whoever takes over after a kill goes on.
 */
@Injectable()
export class GroupRunsService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(GroupRunsService.name);
  private readonly repetition = new Repetition(() => this.workThrough(), {
    everyMs: POLL_MS,
    logger: this.logger,
    trouble: 'Runs over groups wait',
  });

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly leases: Leases,
    private readonly provisioning: ProvisioningService,
    private readonly removals: RemovalsService,
  ) {
    removals.register('groups', (run, { identityId }) => followGroups(followedIn(run), identityId, null));
  }

  onApplicationBootstrap(): void {
    this.repetition.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.repetition.stop();
  }

  /** Carries out every run over groups that was ordered and that no other instance works on. */
  async workThrough(): Promise<void> {
    for await (const { id, connectionId } of findRuns(this.database.read)) {
      if (this.repetition.stopping) return;
      await this.repetition.attempt(`run ${id}`, () =>
        this.leases.run(`groups:${connectionId}`, LEASE_MS, (lost) =>
          this.carryOut(id, lost).catch((error: unknown) => {
            if (!(error instanceof RunWaits)) throw error;
          }),
        ),
      );
    }
  }

  private async carryOut(runId: string, lost: AbortSignal): Promise<void> {
    const run = await this.database.read.findOneBy(RunEntity, { id: runId, status: 'running' });
    if (!run) return;
    for (;;) {
      if (this.repetition.stopping || lost.aborted) return;
      const ids = await readDue(this.database.read, runId);
      if (ids.length === 0) break;
      const begun = Date.now();
      await this.follow(run, ids);
      const pauseMs = Math.min(PAUSE_MS_MAX, (Date.now() - begun) / 2);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    if ((await this.removals.decide(runId)) !== 'nothing') return;
    await this.database.transaction((tx) => finishRun(tx, run, this.clock.now()));
  }

  /** A chunk that is refused as a whole is written person by person: only the bad one stays behind. */
  private async follow(run: RunEntity, ids: readonly string[]): Promise<void> {
    // Nobody loses anything before all are known who would; the limits are counted then.
    const guard = new RemovalGuard('hold', DEFAULT_CATCH, null);
    try {
      await this.provisioning.submitWhole(
        ids.map((id) => ({ ...followGroups(followedIn(run), id, null), guard })),
        (tx, planned) => this.note(tx, run, ids, planned),
      );
    } catch (error) {
      if (!(error instanceof Problem && error.status < 500)) throw error;
      if (ids.length === 1) {
        // Others keep changing this very person: they are due still.
        if (error.code === 'conflict') throw new RunWaits();
        await this.database.transaction((tx) => this.strike(tx, run, ids, { failed: 1 }));
        return;
      }
      for (const id of ids) await this.follow(run, [id]);
    }
  }

  private async note(tx: EntityManager, run: RunEntity, ids: readonly string[], planned: PlannedBatch): Promise<void> {
    const counts: Record<string, number> = { changed: 0, unchanged: 0, failed: 0 };
    const gone: string[] = [];
    const held: NewEntry[] = [];
    for (const [place, one] of planned.settled.entries()) {
      if (one.kind === 'moved') throw new RunWaits();
      if (one.kind === 'held') {
        held.push(entryOf(one));
        continue;
      }
      const { result, problem } = one.kind === 'planned' ? one.outcome : { result: 'failed' };
      // Deleted while the group was being changed.
      if (problem?.code === 'not_found') gone.push(ids[place] ?? '');
      else if (result === 'failed') counts.failed = (counts.failed ?? 0) + 1;
      else if (result === 'unchanged') counts.unchanged = (counts.unchanged ?? 0) + 1;
      else counts.changed = (counts.changed ?? 0) + 1;
    }
    await addEntries(tx, run, held);
    const untouched = new Set([...gone, ...held.map(({ identityId }) => identityId)]);
    const there = ids.filter((id) => !untouched.has(id));
    await guardPeople(tx, there, planned);
    await forgetMembers(tx, run.connectionId, gone, planned.now);
    await this.strike(tx, run, ids, counts);
  }

  /** These people are done: they are due no more, and counted. */
  private async strike(tx: EntityManager, run: RunEntity, ids: readonly string[], counts: Record<string, number>) {
    const due = `runId = ? AND identityId IN ${placeholders(ids.length)}`;
    await execute(tx, `DELETE FROM scim_due WHERE ${due}`, [run.id, ...ids]);
    await noteChunk(tx, run.id, counts, this.clock.now());
  }
}

function followedIn(run: RunEntity): Followed {
  const { id, tenantId, connectionId } = run;
  return { tenantId, connectionId, actor: actorOfRun(run), runId: id };
}

/** Who would lose something by it. */
function entryOf({ outcome, at, loss, revision }: HeldStatement): NewEntry {
  const { userId, identityId, before } = outcome;
  const externalId = before?.identities.find(({ id }) => id === identityId)?.externalId ?? null;
  const what = { change: 'groups', record: null, statement: null } as const;
  return { ...what, userId, identityId, externalId, at, revision, ...loss };
}

/** One page after the other, however many runs there are: those that cannot go on keep none of the others waiting. */
async function* findRuns(manager: EntityManager): AsyncGenerator<{ id: string; connectionId: string }> {
  for (let after: string | undefined = ''; after !== undefined;) {
    const rows = await selectRows(manager, RUNS, [after]);
    const runs = rows.map(({ id, connectionId }) => ({ id: String(id), connectionId: String(connectionId) }));
    yield* runs;
    after = runs.at(-1)?.id;
  }
}

async function readDue(manager: EntityManager, runId: string): Promise<string[]> {
  const sql = `SELECT identityId FROM scim_due WHERE runId = ? ORDER BY identityId LIMIT ${CHUNK_PEOPLE}`;
  return (await selectRows(manager, sql, [runId])).map(({ identityId }) => String(identityId));
}
