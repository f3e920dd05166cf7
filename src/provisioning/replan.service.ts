import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { LessThanOrEqual } from 'typeorm';
import { Clock } from '../platform/clock.js';
import { Database } from '../platform/database.js';
import { Leases } from '../platform/leases.js';
import { Repetition } from '../platform/repetition.js';
import { RunEntity } from '../records/sync-runs/run.entity.js';
import { finishedAt, noteChunk } from '../records/sync-runs/run-rows.js';
import { readPeople, type PeoplePlace } from './connection-people.js';
import { ConnectionPolicies } from './connection-policies.js';
import { ConnectionMoved } from './hold-connections.js';
import { ReplanChunk } from './replan-chunk.js';

const POLL_MS = 500;
const LEASE_MS = 15_000;
const CHUNK_PEOPLE = 500;

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
    private readonly policies: ConnectionPolicies,
    private readonly chunk: ReplanChunk,
  ) {}

  onApplicationBootstrap(): void {
    this.repetition.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.repetition.stop();
  }

  /** Carries out every re-plan that was ordered and that no other instance works on. */
  async workThrough(): Promise<void> {
    const runs = await this.database.read.find(RunEntity, {
      where: { kind: 'replan', status: 'running' },
      order: { id: 'ASC' },
      take: 100,
    });
    for (const connectionId of new Set(runs.map((run) => run.connectionId))) {
      if (this.repetition.stopping) return;
      await this.leases.run(`replan:${connectionId}`, LEASE_MS, (lost) =>
        this.replan(connectionId, lost).catch((error: unknown) => {
          // Saved again meanwhile: that has ordered a run of its own, which takes this one in.
          if (!(error instanceof ConnectionMoved)) throw error;
        }),
      );
    }
  }

  /** Brings one person up to date with the connection's present rules, without waiting for its re-plan (E5). */
  async replanUser(connectionId: string, userId: string): Promise<void> {
    const known = await this.policies.find(connectionId);
    if (!known) return;
    const by = { actor: { type: 'system', id: 'system' }, runId: null } as const;
    await this.chunk.apply(known.policy, [userId], by, () => Promise.resolve());
  }

  private async replan(connectionId: string, lost: AbortSignal): Promise<void> {
    // Read under the lease: several saves that came together are one piece of work, told in the newest of their runs.
    const runs = await this.database.read.find(RunEntity, {
      where: { connectionId, kind: 'replan', status: 'running' },
      order: { mappingVersion: 'DESC', id: 'DESC' },
    });
    const [run] = runs;
    if (!run) return;
    const known = await this.policies.find(connectionId);
    const version = known?.policy.mappingVersion ?? run.mappingVersion;
    if (known) {
      let place: PeoplePlace | null = null;
      do {
        if (this.repetition.stopping || lost.aborted) return;
        const page = await readPeople(this.database.read, connectionId, version, place, CHUNK_PEOPLE);
        if (page.userIds.length > 0) await this.applyTo(run, known.policy, page.userIds);
        place = page.next;
      } while (place);
    }
    await this.finish(connectionId, version);
  }

  private async applyTo(run: RunEntity, policy: Parameters<ReplanChunk['apply']>[0], userIds: string[]): Promise<void> {
    const actor = { type: run.actorType as 'user' | 'api-key' | 'system', id: run.actorId };
    await this.chunk.apply(policy, userIds, { actor, runId: run.id }, (tx, counts) =>
      noteChunk(tx, run.id, { ...counts }, this.clock.now()),
    );
  }

  private async finish(connectionId: string, version: number): Promise<void> {
    await this.database.transaction((tx) =>
      tx.update(
        RunEntity,
        { connectionId, kind: 'replan', status: 'running', mappingVersion: LessThanOrEqual(version) },
        finishedAt(this.clock.now()),
      ),
    );
  }
}
