import { Injectable } from '@nestjs/common';
import { type EntityManager, MoreThan } from 'typeorm';
import { Clock } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { Problem } from '../../platform/problem.js';
import { ConnectionPolicies } from '../../provisioning/connection-policies.js';
import { Idempotency, type HeldRequest } from '../../provisioning/idempotency.js';
import { ProvisioningService } from '../../provisioning/provisioning.service.js';
import { type RunEntity, RunFailureEntity, RunPartEntity } from '../../records/sync-runs/run.entity.js';
import { RunJournal } from '../../records/sync-runs/run-journal.js';
import { assertOnlySnapshot } from '../../records/sync-runs/only-snapshot.js';
import { newRun } from '../../records/sync-runs/run-rows.js';
import { RunFailureView } from '../../records/sync-runs/sync-runs.dto.js';
import { patiently } from './patience.js';
import { type StreamOrder, type StreamParts, StreamRun } from './stream-run.js';
import type { StreamAnswerDto } from './stream.dto.js';

const FAILURES_SHOWN = 100;
const NO_COUNTS = { created: 0, updated: 0, unchanged: 0, deactivated: 0, stale: 0, failed: 0 };

/** A stream whose run is written down and under way. */
export interface OpenStream {
  runId: string;
  run: StreamRun;
  journal: RunJournal;
  phase: 'receiving' | 'writing';
  held: HeldRequest | null;
}

/** The runs of streams: how they begin or are gone on with, how they end or break. */
@Injectable()
export class StreamRuns {
  readonly parts: StreamParts;

  constructor(
    database: Database,
    clock: Clock,
    policies: ConnectionPolicies,
    provisioning: ProvisioningService,
    private readonly idempotency: Idempotency,
  ) {
    this.parts = { database, clock, policies, provisioning };
  }

  /** Writes the run down; under a key that came before, goes on where that try has ended, or gives its answer. */
  async open(given: StreamOrder, requestKey: string | null): Promise<OpenStream | { answer: StreamAnswerDto }> {
    const { principal, runId, request } = given;
    const { statedAt, kind, mode, scope } = request;
    const same = Buffer.from(JSON.stringify(['stream', kind, statedAt, given.known.row.id, mode, scope]));
    const held = requestKey === null ? null : await this.idempotency.begin(principal.id, requestKey, same, runId);
    if (held && 'answer' in held) return { answer: JSON.parse(held.answer) as StreamAnswerDto };
    const order = { ...given, runId: held?.runId ?? runId };
    const run = new StreamRun(this.parts, order);
    const opened = { runId: order.runId, run, held, phase: 'receiving' as OpenStream['phase'] };
    try {
      const journal = await this.openJournal(order, opened);
      return Object.assign(opened, { journal });
    } catch (error) {
      if (held) await this.pause(held).catch(() => undefined);
      throw error;
    }
  }

  /** Settles when all is committed, and the run has ended with it. */
  async finish(opened: OpenStream): Promise<StreamAnswerDto> {
    const { run, journal, held, runId } = opened;
    try {
      await run.finish();
      journal.stopped.throwIfAborted();
      await journal.close();
      return await patiently(async () => {
        const answer = await this.answerOf(runId, run);
        await this.parts.database.transaction(async (tx) => {
          await journal.end(tx, 'finished', null);
          if (held) await this.idempotency.finish(tx, held, JSON.stringify(answer));
        });
        return answer;
      });
    } catch (error) {
      throw await this.break(
        opened,
        error instanceof Problem ? error : new Problem('internal', undefined, { cause: error }),
      );
    }
  }

  /** Ends the run where it is. Returns the problem with the run and how far it came. */
  async break({ run, journal, held, runId }: OpenStream, problem: Problem): Promise<Problem> {
    await run.land();
    await journal.close();
    const { upTo, counts } = run.progress;
    const status = problem.code === 'run_cancelled' ? 'cancelled' : 'broken';
    await this.parts.database
      .transaction(async (tx) => {
        await journal.end(tx, status, problem.detail ?? problem.title);
        if (held) await this.idempotency.pause(tx, held);
      })
      // Another try has taken it, or the database is away: then the run is told as broken for want of a sign of life.
      .catch(() => undefined);
    const extra = { ...problem.options.extra, run: runId, upTo, counts: { ...NO_COUNTS, ...counts } };
    return new Problem(problem.code, problem.detail, { ...problem.options, extra });
  }

  private openJournal(order: StreamOrder, opened: Omit<OpenStream, 'journal'>): Promise<RunJournal> {
    const { database, clock } = this.parts;
    const { run, held } = opened;
    return RunJournal.open(
      database,
      clock,
      {
        run: { ...rowOf(order, clock.now()), phase: 'receiving', digest: '' },
        admit: (tx) => assertOnlySnapshot(tx, database.engine, rowOf(order, clock.now())),
        progress: () => {
          const { counts, upTo, digest } = run.progress;
          return { phase: opened.phase, counts, upTo, digest };
        },
        ...(held ? { beat: (tx: EntityManager) => this.idempotency.extend(tx, held) } : {}),
        beside: run.notes,
      },
      async (stored) => {
        const { id: runId, upTo } = stored;
        const parts = await database.read.findBy(RunPartEntity, { runId, part: MoreThan(upTo) });
        run.resume(stored, parts);
      },
    );
  }

  private async answerOf(runId: string, { progress }: StreamRun): Promise<StreamAnswerDto> {
    const where = { runId };
    const failures = await this.parts.database.read.find(RunFailureEntity, {
      where,
      order: { record: 'ASC' },
      take: FAILURES_SHOWN,
    });
    return {
      run: runId,
      status: 'finished',
      counts: { ...NO_COUNTS, ...progress.counts },
      upTo: progress.upTo,
      failures: failures.map(RunFailureView.toView),
    };
  }

  private async pause(held: HeldRequest): Promise<void> {
    await this.parts.database.transaction((tx) => this.idempotency.pause(tx, held));
  }
}

function rowOf({ runId, principal, known, request, since }: StreamOrder, now: number): RunEntity {
  const { id: connectionId, mappingVersion } = known.row;
  const { kind, mode, scope } = request;
  const what = { kind, cause: 'request', mode } as const;
  const by = { actorType: principal.type, actorId: principal.id };
  const given = { id: runId, tenantId: principal.tenantId, connectionId, mappingVersion, ...what, ...by };
  return newRun(given, now, { scope, statedAt: since });
}
