import { Injectable } from '@nestjs/common';
import { In, MoreThan } from 'typeorm';
import { actorOf, LedgerService } from '../../ledger/ledger.service.js';
import type { Principal } from '../../platform/access.js';
import { Clock } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import type { PageQuery } from '../../platform/page-query.dto.js';
import { keyOfCursor } from '../../platform/paging.js';
import { Problem } from '../../platform/problem.js';
import { selectRows } from '../../platform/sql.js';
import { UserEntity } from '../users/user.entity.js';
import type { EntryPerson, RunLoss, RunRemovals } from './held-runs.dto.js';
import { dropHeld, eventOfRun } from './held-runs.js';
import { countPeople, scopeOf } from './run-people.js';
import { RunEntity, RunEntryEntity } from './run.entity.js';

const LOSSES_SHOWN = 200;
const COMBINATIONS_MAX = 1000;

/** What an admin sees of a held run, and says to it. */
@Injectable()
export class HeldRunsService {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
  ) {}

  /** The entries of the page, in order, and one more if there is another page. */
  async listEntries(runId: string, query: PageQuery): Promise<(RunEntryEntity & { person: EntryPerson | null })[]> {
    const after = Number(keyOfCursor(query.cursor) ?? 0);
    const rows = await this.database.read.find(RunEntryEntity, {
      where: { runId, entry: MoreThan(Number.isSafeInteger(after) ? after : 0) },
      order: { entry: 'ASC' },
      take: query.limit + 1,
    });
    const users = await this.database.read.find(UserEntity, {
      where: { id: In(rows.map(({ userId }) => userId)) },
      select: { id: true, userName: true, displayName: true },
    });
    const persons = new Map(users.map((each) => [each.id, each]));
    return rows.map((row) => Object.assign(row, { person: persons.get(row.userId) ?? null }));
  }

  async tellRemovals(run: RunEntity): Promise<RunRemovals> {
    const { read } = this.database;
    const byUser = `SELECT userId, MAX(deactivates) AS off FROM run_entries
      WHERE runId = ? AND (deactivates = 1 OR loses <> '[]') GROUP BY userId`;
    const [[losing], states, losses, people] = await Promise.all([
      selectRows(read, `SELECT COUNT(*) AS users, SUM(off) AS off FROM (${byUser}) AS losing`, [run.id]),
      selectRows(read, 'SELECT state, COUNT(*) AS entries FROM run_entries WHERE runId = ? GROUP BY state', [run.id]),
      this.readLosses(run.id),
      countPeople(read, run.connectionId, scopeOf(run), run.startedAt),
    ]);
    const deactivated = Number(losing?.off ?? 0);
    return {
      deactivated,
      reduced: Number(losing?.users ?? 0) - deactivated,
      // As it was decided on.
      people: Math.min(people, run.people ?? people),
      losses,
      states: Object.fromEntries(states.map(({ state, entries }) => [String(state), Number(entries)])),
    };
  }

  /** Only one who finds it held is the one who approves it. Throws `conflict`. */
  async approve(caller: Principal, run: RunEntity): Promise<void> {
    const now = this.clock.now();
    await this.database.transaction(async (tx) => {
      // `heldUntil` stays: by that what is applied is known to have been agreed to.
      const goesOn = { status: 'running', phase: 'removing', error: null, finishedAt: null, aliveAt: now } as const;
      const held = { id: run.id, status: 'held', heldUntil: MoreThan(now) } as const;
      if ((await tx.update(RunEntity, held, goesOn)).affected !== 1) throw notHeld();
      await tx.update(RunEntryEntity, { runId: run.id, state: 'held' }, { state: 'due' });
      await this.ledger.record(tx, [eventOfRun('run.approved', run, actorOf(caller), now)]);
    });
  }

  /** Throws `conflict` if it is held no more. */
  async reject(caller: Principal, run: RunEntity): Promise<void> {
    const now = this.clock.now();
    await this.database.transaction(async (tx) => {
      if (!(await dropHeld(tx, run, 'rejected', now))) throw notHeld();
      await this.ledger.record(tx, [eventOfRun('run.rejected', run, actorOf(caller), now)]);
    });
  }

  private async readLosses(runId: string): Promise<RunLoss[]> {
    const rows = await selectRows(
      this.database.read,
      `SELECT loses, COUNT(DISTINCT userId) AS people FROM run_entries WHERE runId = ? AND deactivates = 0 AND loses <> '[]'
        GROUP BY loses LIMIT ${COMBINATIONS_MAX}`,
      [runId],
    );
    const counts = new Map<string, number>();
    for (const { loses, people } of rows) {
      for (const held of JSON.parse(String(loses)) as string[]) {
        counts.set(held, (counts.get(held) ?? 0) + Number(people));
      }
    }
    const shares = [...counts].map(([held, people]) => ({ held, people }));
    return shares.sort((a, b) => b.people - a.people || (a.held < b.held ? -1 : 1)).slice(0, LOSSES_SHOWN);
  }
}

function notHeld(): Problem {
  return new Problem('conflict', 'The run is not held, or not any more: look at it again.');
}
