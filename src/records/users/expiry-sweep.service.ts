import { Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { SYSTEM } from '../../ledger/ledger.service.js';
import type { PersonChanges } from '../../plan/changes.js';
import { diffPerson } from '../../plan/diff.js';
import { Clock, type Micros } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { execute, selectRows } from '../../platform/sql.js';
import { removeExpired } from './edit-person.js';
import { loadPersons } from './person-loader.js';
import { PersonsMoved, PersonWriter } from './person-writer.js';

const USERS_PER_CHUNK = 200;
const EVERY_MS = 60_000;

/**
 * Tidies up what has come to its end: grants and blocks count no more from the moment of their `until`, whether this
 * ran or not. Two instances that sweep at once do no harm: the later finds nothing left.
 */
@Injectable()
export class ExpirySweep {
  private readonly logger = new Logger(ExpirySweep.name);

  constructor(
    private readonly database: Database,
    private readonly writer: PersonWriter,
    private readonly clock: Clock,
  ) {}

  @Interval('expiry-sweep', EVERY_MS)
  async run(): Promise<void> {
    try {
      await this.sweep();
    } catch (error) {
      this.logger.error(error);
    }
  }

  /** Answers how many users were changed. */
  async sweep(): Promise<number> {
    let users = 0;
    for (;;) {
      const now = this.clock.now();
      const found = await this.findSome(now);
      let changed = 0;
      for (const [tenantId, userIds] of Map.groupBy(found, (row) => row.tenantId)) {
        const ids = [...new Set(userIds.map(({ userId }) => userId))];
        changed += await this.sweepUsers(tenantId, ids, now);
      }
      users += changed;
      // Nothing could be written: whoever moved these users meanwhile is waited for until the next time.
      if (changed === 0) break;
    }
    await this.database.transaction((tx) =>
      execute(tx, 'DELETE FROM identity_traces WHERE expiresAt <= ?', [this.clock.now()]),
    );
    return users;
  }

  private async findSome(now: Micros): Promise<{ tenantId: string; userId: string }[]> {
    const rows = [];
    for (const table of ['grants', 'blocks']) {
      const sql = `SELECT tenantId, userId FROM ${table} WHERE until <= ? LIMIT ${USERS_PER_CHUNK}`;
      rows.push(...(await selectRows(this.database.read, sql, [now])));
    }
    return rows.map((row) => ({ tenantId: String(row.tenantId), userId: String(row.userId) }));
  }

  private async sweepUsers(tenantId: string, userIds: readonly string[], now: Micros): Promise<number> {
    try {
      return await this.database.transaction(async (tx) => {
        const { persons, revisions } = await loadPersons(tx, tenantId, userIds);
        const changes = [...persons.values()].flatMap((person) => {
          const change = diffPerson(person, removeExpired(person, now), now);
          return change ? [change] : [];
        });
        const type = (change: PersonChanges): string =>
          change.grantsRemoved.length > 0 ? 'user.role_expired' : 'user.block_expired';
        await this.writer.write(tx, changes, {
          actor: SYSTEM,
          via: 'system',
          reason: 'It had come to its end.',
          revisions,
          eventOf: (change) => ({ type: type(change) }),
        });
        return changes.length;
      });
    } catch (error) {
      if (error instanceof PersonsMoved) return 0;
      throw error;
    }
  }
}
