import { Injectable, Logger } from '@nestjs/common';
import { type EntityManager, MoreThan } from 'typeorm';
import { type NewEvent, SYSTEM } from '../../ledger/ledger.service.js';
import { Clock, DAY, MINUTE, type Micros } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { newId } from '../../platform/ids.js';
import { Problem } from '../../platform/problem.js';
import { selectRows } from '../../platform/sql.js';
import { ConnectionEntity } from '../../records/connections/connection.entity.js';
import { lockSource } from '../../records/sources/lock-source.js';
import { findDuePull, nextPullsOf, type PullScope, usualScopeOf } from '../../records/sources/pull-schedule.js';
import { ConnectionSourceEntity } from '../../records/sources/source.entity.js';
import { RunEntity } from '../../records/sync-runs/run.entity.js';
import { newRun } from '../../records/sync-runs/run-rows.js';

/** The part of its connection that a source speaks for. */
export const SOURCE_SCOPE = 'source';

const DUE_MAX = 100;
/** Nothing is due of a source that is suspended, or whose connection or tenant is, or that is being read. */
const DUE = `SELECT s.connectionId AS connectionId FROM connection_sources s
  JOIN connections c ON c.id = s.connectionId JOIN tenants t ON t.id = s.tenantId
  WHERE (s.nextAt <= ? OR s.nextFullAt <= ?) AND s.suspendedAt IS NULL AND c.status = 'active' AND t.status = 'active'
  AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = s.lastRunId AND r.status = 'running')
  ORDER BY COALESCE(s.nextAt, s.nextFullAt) LIMIT ${DUE_MAX}`;

interface PullOrder {
  cause: 'request' | 'schedule';
  actor: NewEvent['actor'];
}

/** Writes down that a source is to be read: because somebody asks, or because it is time. Never two at once. */
@Injectable()
export class PullOrders {
  /** How far the clock is ahead of the time that this process counts. */
  private ahead = Infinity;
  private readonly logger = new Logger(PullOrders.name);

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Returns the run's id; `scope` null: what the source is usually read for. Throws `source_suspended`, or `conflict` while the source is being read. */
  async order(connectionId: string, scope: PullScope | null, actor: NewEvent['actor']): Promise<string> {
    return this.database.transaction(async (tx) => {
      const source = await lockSource(tx, connectionId);
      if (!source) throw new Problem('not_found', 'This connection has no source.');
      if (source.suspendedAt !== null) throw new Problem('source_suspended', source.suspendedReason ?? undefined);
      const running = await findRunning(tx, source);
      if (running) {
        throw new Problem('conflict', 'The source is being read already.', { extra: { run: running.id } });
      }
      return this.write(tx, source, scope ?? usualScopeOf(source), { cause: 'request', actor });
    });
  }

  /** Orders every pull that is due; on however many instances, once. What was missed meanwhile is caught up by that. */
  async orderDue(): Promise<void> {
    const now = this.clock.now();
    await this.bringForward(now);
    for (const { connectionId } of await selectRows(this.database.read, DUE, [now, now])) {
      const id = String(connectionId);
      await this.attempt(id, () => this.database.transaction((tx) => this.orderIfDue(tx, id, now)));
    }
  }

  private async orderIfDue(tx: EntityManager, connectionId: string, now: Micros): Promise<void> {
    const source = await lockSource(tx, connectionId);
    if (!source || source.suspendedAt !== null || (await findRunning(tx, source))) return;
    const scope = findDuePull(source, now);
    if (scope) await this.write(tx, source, scope, { cause: 'schedule', actor: SYSTEM });
  }

  /** A clock that ran ahead has put off what is due by the right one. Looked for once, and whenever clocks are put back. */
  private async bringForward(now: Micros): Promise<void> {
    const ahead = now - performance.now() * 1000;
    const isBack = ahead < this.ahead - MINUTE;
    this.ahead = ahead;
    if (!isBack) return;
    const late = MoreThan(now + DAY);
    const some = await this.database.read.findBy(ConnectionSourceEntity, [{ nextAt: late }, { nextFullAt: late }]);
    for (const { connectionId, version, ...source } of some) {
      await this.attempt(connectionId, async () => {
        const next = nextPullsOf(connectionId, source, now);
        const over = {
          nextAt: broughtForward(source.nextAt, next.nextAt, now),
          nextFullAt: broughtForward(source.nextFullAt, next.nextFullAt, now),
        };
        if (over.nextAt === source.nextAt && over.nextFullAt === source.nextFullAt) return;
        await this.database.transaction((tx) => tx.update(ConnectionSourceEntity, { connectionId, version }, over));
      });
    }
  }

  /** What is wrong with one source keeps no other from being read. */
  private async attempt(connectionId: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.logger.warn(`The source of connection ${connectionId} was not looked at: ${String(error)}`);
    }
  }

  private async write(
    tx: EntityManager,
    source: ConnectionSourceEntity,
    scope: PullScope,
    { cause, actor }: PullOrder,
  ): Promise<string> {
    const { connectionId, tenantId } = source;
    const { mappingVersion } = await tx.findOneByOrFail(ConnectionEntity, { id: connectionId });
    const now = this.clock.now();
    const run = newRun(
      {
        id: newId(),
        tenantId,
        connectionId,
        mappingVersion,
        kind: 'pull',
        cause,
        mode: scope === 'full' ? 'snapshot' : 'upsert',
        actorType: actor.type,
        actorId: actor.id,
      },
      now,
      { scope: SOURCE_SCOPE, statedAt: scope === 'full' ? now : null, digest: '' },
    );
    await tx.insert(RunEntity, run);
    const next = nextPullsOf(connectionId, source, now);
    // A reading of changes does nothing of what is due of everybody.
    const isOver = (at: Micros | null, due: PullScope): boolean =>
      at !== null && at <= now && (scope === 'full' || due === 'changes');
    await tx.update(
      ConnectionSourceEntity,
      { connectionId },
      {
        lastRunId: run.id,
        ...(isOver(source.nextAt, usualScopeOf(source)) ? { nextAt: next.nextAt } : {}),
        ...(isOver(source.nextFullAt, 'full') ? { nextFullAt: next.nextFullAt } : {}),
      },
    );
    return run.id;
  }
}

/** After a failure a source is left alone for a day at most: what is put off for longer is so by its schedule, or a wrong clock. */
function broughtForward(stored: Micros | null, next: Micros | null, now: Micros): Micros | null {
  return stored === null || stored <= now + DAY ? stored : Math.min(stored, next ?? now);
}

async function findRunning(tx: EntityManager, { lastRunId }: ConnectionSourceEntity): Promise<RunEntity | null> {
  return lastRunId === null ? null : tx.findOneBy(RunEntity, { id: lastRunId, status: 'running' });
}
