import { Injectable } from '@nestjs/common';
import { IsNull, MoreThan, Not } from 'typeorm';
import type { Principal } from '../../platform/access.js';
import { Clock } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { isId } from '../../platform/ids.js';
import type { PageQuery } from '../../platform/page-query.dto.js';
import { keyOfCursor } from '../../platform/paging.js';
import { Problem } from '../../platform/problem.js';
import { dropWaiting } from './held-runs.js';
import { tellOutcome } from './run-outcomes.js';
import { RunEntity, RunFailureEntity, RunPartEntity } from './run.entity.js';
import { CARRIED_ON, LOST_AFTER, statusOf, withParts } from './run-state.js';
import type { RunQuery } from './sync-runs.dto.js';

@Injectable()
export class SyncRunsService {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Rows of the page, newest first, and one more if there is another page. A bound key sees its connection's alone. */
  async list(principal: Principal, query: RunQuery): Promise<RunEntity[]> {
    const find = this.database.read
      .createQueryBuilder(RunEntity, 'run')
      .where('run.tenantId = :tenantId', { tenantId: principal.tenantId })
      .orderBy('run.startedAt', 'DESC')
      .addOrderBy('run.id', 'DESC')
      .take(query.limit + 1);
    if (principal.connectionId !== null) find.andWhere('run.connectionId = :bound', { bound: principal.connectionId });
    if (query.connection) find.andWhere('run.connectionId = :connection', { connection: query.connection });
    if (query.kind) find.andWhere('run.kind = :kind', { kind: query.kind });
    const lost = `(run.status = 'running' AND run.kind NOT IN (:...carriedOn) AND run.phase <> 'removing' AND run.aliveAt < :lostBefore)`;
    const isLost = { lostBefore: this.clock.now() - LOST_AFTER, carriedOn: CARRIED_ON };
    if (query.status === 'broken') find.andWhere(`(run.status = 'broken' OR ${lost})`, isLost);
    else if (query.status === 'running') find.andWhere(`run.status = 'running' AND NOT ${lost}`, isLost);
    else if (query.status) find.andWhere('run.status = :status', { status: query.status });
    const [at, id] = keyOfCursor(query.cursor)?.split(' ') ?? [];
    if (at !== undefined && id !== undefined) {
      const before = { at: Number(at), id };
      find.andWhere('(run.startedAt < :at OR (run.startedAt = :at AND run.id < :id))', before);
    }
    return Promise.all((await find.getMany()).map((row) => this.complete(row)));
  }

  async get(principal: Principal, id: string): Promise<RunEntity> {
    return this.complete(await this.find(principal, id));
  }

  /** The refused records of the page, in order, and one more if there is another page. */
  async listFailures(principal: Principal, id: string, query: PageQuery): Promise<RunFailureEntity[]> {
    const { id: runId } = await this.find(principal, id);
    const after = Number(keyOfCursor(query.cursor) ?? 0);
    return this.database.read.find(RunFailureEntity, {
      where: { runId, record: MoreThan(Number.isSafeInteger(after) ? after : 0) },
      order: { record: 'ASC' },
      take: query.limit + 1,
    });
  }

  /**
   * Asks a run to stop: whatever works on it sees that within a second or two, and writes no more. One that is broken is
   * over with it, so that nobody goes on with it.
   */
  async cancel(principal: Principal, id: string): Promise<RunEntity> {
    const run = await this.find(principal, id);
    if (run.kind === 'replan' || run.kind === 'groups') {
      throw new Problem('conflict', 'It brings people to what is saved: save something else instead.');
    }
    const now = this.clock.now();
    const status = statusOf(run, now);
    if (status === 'held') throw new Problem('conflict', 'The run is held: approve or reject it.');
    if (status !== 'running' && status !== 'broken') throw new Problem('conflict', 'The run is over.');
    if (run.phase === 'removing') throw new Problem('conflict', 'All of it is decided, and is being carried out.');
    const over = status === 'broken' ? { status: 'cancelled' as const, phase: 'ended' as const, finishedAt: now } : {};
    const { holder, aliveAt } = run;
    // Broken as it was seen: somebody may go on with it at this very moment.
    const asSeen = status === 'broken' ? { holder: holder ?? IsNull(), aliveAt } : {};
    const stop = () =>
      this.database.transaction(async (tx) => {
        const { affected } = await tx.update(
          RunEntity,
          { id: run.id, status: run.status, phase: Not('removing' as const), ...asSeen },
          { cancelAt: now, ...over },
        );
        if (affected === 1 && status === 'broken') {
          tellOutcome(tx, run, 'cancelled');
          await dropWaiting(tx, run.id);
        }
        return affected;
      });
    if ((await stop()) === 0) throw new Problem('conflict', 'The run has just moved on; look again.');
    return this.get(principal, id);
  }

  private async find(principal: Principal, id: string): Promise<RunEntity> {
    const { tenantId, connectionId } = principal;
    const bound = connectionId === null ? {} : { connectionId };
    const row = isId(id) ? await this.database.read.findOneBy(RunEntity, { id, tenantId, ...bound }) : null;
    if (!row) throw new Problem('not_found', 'There is no such run.');
    return row;
  }

  /** What is committed beyond the last word of a run that is not finished stands in its parts. */
  private async complete(row: RunEntity): Promise<RunEntity> {
    if (row.status === 'finished' || row.digest === null) return row;
    const parts = await this.database.read.find(RunPartEntity, {
      where: { runId: row.id, part: MoreThan(row.upTo) },
      order: { part: 'ASC' },
    });
    return Object.assign(row, withParts(row, parts));
  }
}
