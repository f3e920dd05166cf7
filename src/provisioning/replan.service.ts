import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Not } from 'typeorm';
import { SYSTEM } from '../ledger/ledger.service.js';
import { Clock } from '../platform/clock.js';
import { Database } from '../platform/database.js';
import { Leases } from '../platform/leases.js';
import { Repetition } from '../platform/repetition.js';
import { selectByKeys, selectRows } from '../platform/sql.js';
import { dropWaiting } from '../records/sync-runs/held-runs.js';
import { RunEntity, RunEntryEntity } from '../records/sync-runs/run.entity.js';
import { addEntries } from '../records/sync-runs/run-entries.js';
import { finishRun, noteChunk } from '../records/sync-runs/run-rows.js';
import { readPeople, type PeoplePlace } from './connection-people.js';
import { actorOfRun } from './entry-submissions.js';
import { ConnectionMoved } from './hold-connections.js';
import { RemovalsService } from './removals.service.js';
import { ReplanChunk } from './replan-chunk.js';

const POLL_MS = 500;
const LEASE_MS = 15_000;
const CHUNK_PEOPLE = 500;
const ATTEMPTS_MAX = 8;
/** What was decided on, or agreed to, is carried out by RemovalsService. */
const OPEN = { kind: 'replan', status: 'running', phase: Not('removing' as const) } as const;

/**
 * Carries out re-plans: an edited rule counts for people who never come back too. One instance at a time works on a
 * connection. What is done is in the people's rows, so that whoever takes over after a kill goes on where it was.
 */
@Injectable()
export class ReplanService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(ReplanService.name);
  private readonly repetition = new Repetition(() => this.workThrough(), {
    everyMs: POLL_MS,
    logger: this.logger,
    trouble: 'Re-plans wait',
  });

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly leases: Leases,
    private readonly chunk: ReplanChunk,
    private readonly removals: RemovalsService,
  ) {}

  onApplicationBootstrap(): void {
    this.repetition.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.repetition.stop();
  }

  /** Carries out every re-plan that was ordered and that no other instance works on. */
  async workThrough(): Promise<void> {
    for (const connectionId of await this.findConnections()) {
      if (this.repetition.stopping) return;
      await this.repetition.attempt(`connection ${connectionId}`, () =>
        this.leases.run(`replan:${connectionId}`, LEASE_MS, (lost) =>
          this.replan(connectionId, lost).catch((error: unknown) => {
            // Saved again meanwhile: that has ordered a run of its own, which takes this one in.
            if (!(error instanceof ConnectionMoved)) throw error;
          }),
        ),
      );
    }
  }

  /** Brings one person up to date with the connection's present rules, without waiting for its re-plan (E5). */
  async replanUser(connectionId: string, userId: string): Promise<void> {
    const by = { actor: SYSTEM, runId: null, removals: 'write' } as const;
    for (let attempt = 1; ; attempt++) {
      const policy = await this.chunk.findPolicy(connectionId);
      if (!policy) return;
      try {
        return await this.chunk.apply(policy, [userId], by, () => Promise.resolve());
      } catch (error) {
        // Saved again meanwhile.
        if (!(error instanceof ConnectionMoved) || attempt === ATTEMPTS_MAX) throw error;
      }
    }
  }

  /** Those that wait the longest come first; all of them, as some may not come to an end. */
  private async findConnections(): Promise<string[]> {
    const sql = `SELECT connectionId FROM runs WHERE kind = 'replan' AND status = 'running' AND phase <> 'removing'
      GROUP BY connectionId ORDER BY MIN(id)`;
    return (await selectRows(this.database.read, sql, [])).map(({ connectionId }) => String(connectionId));
  }

  private async replan(connectionId: string, lost: AbortSignal): Promise<void> {
    // Read under the lease: several saves that came together are one piece of work, told in the newest of their runs.
    const runs = await this.database.read.find(RunEntity, {
      where: { ...OPEN, connectionId },
      order: { mappingVersion: 'DESC', id: 'DESC' },
    });
    const [run, ...older] = runs;
    if (!run) return;
    const policy = await this.chunk.findPolicy(connectionId);
    const version = policy?.mappingVersion ?? run.mappingVersion;
    if (policy) {
      const isResumed = await this.database.read.existsBy(RunEntryEntity, { runId: run.id });
      let place: PeoplePlace | null = null;
      do {
        if (this.repetition.stopping || lost.aborted) return;
        const page = await readPeople(this.database.read, connectionId, version, place, CHUNK_PEOPLE);
        const noted = isResumed ? await this.findNoted(run.id, page.identityIds) : new Set();
        const userIds = page.userIds.filter((id) => !noted.has(id));
        if (userIds.length > 0) await this.applyTo(run, policy, userIds);
        place = page.next;
      } while (place);
    }
    await this.finishOlder(older.filter(({ mappingVersion }) => mappingVersion <= version));
    if (run.mappingVersion > version) return;
    const decision = await this.removals.decide(run.id, { supersedes: true });
    if (decision === 'nothing') await this.finish(run);
  }

  private async applyTo(run: RunEntity, policy: Parameters<ReplanChunk['apply']>[0], userIds: string[]): Promise<void> {
    const actor = actorOfRun(run);
    const by = { actor, runId: run.id, removals: 'hold' } as const;
    await this.chunk.apply(policy, userIds, by, async (tx, counts, held) => {
      await noteChunk(tx, run.id, { ...counts }, this.clock.now());
      await addEntries(tx, run, held);
    });
  }

  /** Of whom an earlier try has noted what they would lose. */
  private async findNoted(runId: string, identityIds: readonly string[]): Promise<Set<string>> {
    const rows = await selectByKeys(
      this.database.read,
      (keys) => `SELECT runId, userId FROM run_entries WHERE identityId IN ${keys}`,
      [],
      identityIds,
    );
    return new Set(rows.filter((row) => row.runId === runId).map(({ userId }) => String(userId)));
  }

  /** What they noted, the newest has noted anew. */
  private async finishOlder(runs: readonly RunEntity[]): Promise<void> {
    if (runs.length === 0) return;
    await this.database.transaction(async (tx) => {
      for (const run of runs) {
        await dropWaiting(tx, run.id);
        await finishRun(tx, run, this.clock.now());
      }
    });
  }

  private async finish(run: RunEntity): Promise<void> {
    await this.database.transaction((tx) => finishRun(tx, run, this.clock.now()));
  }
}
