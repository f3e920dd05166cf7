import { Injectable } from '@nestjs/common';
import { Readable } from 'node:stream';
import type { EntityManager } from 'typeorm';
import type { Principal } from '../../platform/access.js';
import { Clock } from '../../platform/clock.js';
import { Database, type Snapshot, type SqlValue } from '../../platform/database.js';
import { Problem } from '../../platform/problem.js';
import { selectRows } from '../../platform/sql.js';
import { loadPersons } from './person-loader.js';
import type { UserRecordView } from './user-record.dto.js';
import { toUserRecords } from './user-record.js';
import { UsersService } from './users.service.js';

const USERS_PER_PAGE = 500;
/** Each holds a connection to the database for as long as its reader takes. */
const EXPORTS_MAX = 2;
/** A reader that takes nothing for so long is cut off. */
const STALLED_MS = 60_000;

/** Users in the shape of sync records, for whoever keeps a copy of them. */
@Injectable()
export class UserExportService {
  private running = 0;

  constructor(
    private readonly database: Database,
    private readonly users: UsersService,
    private readonly clock: Clock,
  ) {}

  /** Throws `not_found` if there is no such user, or they have no identity at the connection. */
  async record(principal: Principal, id: string, connectionId: string | null): Promise<UserRecordView> {
    const person = await this.users.get(principal, id);
    const [record] = toUserRecords(person, connectionId, this.clock.now());
    if (!record) throw new Problem('not_found', 'The user has no identity at that connection.');
    return record;
  }

  /**
   * NDJSON: first `{"position": N}`, then a record a line, all of one moment. Every event up to N of the change feed is
   * in it; later ones may be. It reads on only as fast as it is read. Throws `overloaded` when too many run at once.
   */
  async open(principal: Principal, connectionId: string | null): Promise<Readable> {
    if (this.running >= EXPORTS_MAX) {
      throw new Problem('overloaded', 'Other exports are running.', { retryAfterSeconds: 30 });
    }
    this.running += 1;
    let snapshot: Snapshot | null = null;
    try {
      snapshot = await this.database.openSnapshot();
      const position = await readPosition(snapshot.manager, principal.tenantId);
      return this.stream(snapshot, `{"position":${position}}\n`, principal.tenantId, connectionId);
    } catch (error) {
      this.running -= 1;
      await snapshot?.close();
      throw error;
    }
  }

  private stream(snapshot: Snapshot, head: string, tenantId: string, connectionId: string | null): Readable {
    const now = this.clock.now();
    const stall = { timer: null as NodeJS.Timeout | null };
    async function* lines(): AsyncGenerator<string> {
      yield head;
      for await (const ids of pages(snapshot.manager, tenantId, connectionId)) {
        const { persons } = await loadPersons(snapshot.manager, tenantId, ids);
        const records = ids.flatMap((id) => {
          const person = persons.get(id);
          return person ? toUserRecords(person, connectionId, now) : [];
        });
        if (records.length > 0) yield records.map((record) => `${JSON.stringify(record)}\n`).join('');
        stall.timer?.refresh();
      }
    }
    const stream = Readable.from(lines(), { objectMode: false, highWaterMark: 64 * 1024 });
    const timer = setTimeout(() => stream.destroy(new Error('The reader of an export stalled.')), STALLED_MS).unref();
    stall.timer = timer;
    stream.once('close', () => {
      clearTimeout(timer);
      this.running -= 1;
      void snapshot.close();
    });
    return stream;
  }
}

/** The ids of all users, page by page, by the index of their last change; in a snapshot nothing moves along it. */
async function* pages(manager: EntityManager, tenantId: string, connectionId: string | null): AsyncGenerator<string[]> {
  const ofConnection = 'AND EXISTS (SELECT 1 FROM identities i WHERE i.userId = u.id AND i.connectionId = ?)';
  const filter = connectionId === null ? '' : ofConnection;
  let after: SqlValue[] = [0, 0, ''];
  for (;;) {
    const rows = await selectRows(
      manager,
      `SELECT u.id AS id, u.updatedAt AS updatedAt FROM users u
       WHERE u.tenantId = ? AND u.updatedAt >= ? AND (u.updatedAt > ? OR u.id > ?) ${filter}
       ORDER BY u.updatedAt, u.id LIMIT ${USERS_PER_PAGE}`,
      [tenantId, ...after, ...(connectionId === null ? [] : [connectionId])],
    );
    const last = rows.at(-1);
    if (last) {
      yield rows.map(({ id }) => String(id));
      after = [Number(last.updatedAt), Number(last.updatedAt), String(last.id)];
    }
    if (rows.length < USERS_PER_PAGE) return;
  }
}

/** The last number of the tenant's ledger; 0 where nothing is numbered yet. */
async function readPosition(manager: EntityManager, tenantId: string): Promise<number> {
  const [head] = await selectRows(manager, 'SELECT number FROM ledger_heads WHERE tenantId = ?', [tenantId]);
  return Number(head?.number ?? 0);
}
