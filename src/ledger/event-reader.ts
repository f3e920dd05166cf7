import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { HOUR, type Micros } from '../platform/clock.js';
import { Database, type SqlValue } from '../platform/database.js';
import { joinInOrder, selectByKeys, selectRows } from '../platform/sql.js';
import { EVENT_COLUMNS, type EventRow } from './event-rows.js';

/** An event with its number and seal, as it is stored. */
export interface NumberedRow extends EventRow {
  number: number;
  hash: string;
  /** JSON text; null where there is none, where it was erased, or where it was not asked for. */
  personal: string | null;
}

export interface AuditFilter {
  /** The whole type, or its beginning and `*`. */
  type?: string;
  subjectId?: string;
  actorId?: string;
  /** Inclusive. */
  afterAt?: Micros;
  /** Exclusive. */
  beforeAt?: Micros;
}

/** Which events: conditions on `e`, and whether with their personal parts. */
interface Wanted {
  conditions: readonly string[];
  values: readonly SqlValue[];
  personal: boolean;
}

/** Attempts, which change nothing, are not part of the change feed: every type that begins so. */
export const ATTEMPT_PREFIX = 'login.';

/** Numbers looked through by one statement, so that none runs long, however rare what is looked for. */
const WINDOW = 5000;
/** Of what waits for its number. */
const PARCELS_LOOKED_AT = 1000;
const EVENTS_LOOKED_AT = 5000;
/** Of whom it is told that they have changed, and in how many numbers they are looked for. */
const CHANGED_MAX = 1000;
const NUMBERS_LOOKED_AT = 100_000;
/** After so long a page ends where it is, and the reader goes on from there. */
const PAGE_MS_MAX = 1000;
/** Numbers follow the clock but for the skew of instances and the time of a transaction; far less than this. */
const DISORDER_MAX = HOUR;

/** Reads what has a number: the one place where events are selected for readers. */
@Injectable()
export class EventReader {
  constructor(private readonly database: Database) {}

  /** The last number of the tenant's ledger, 0 when it is empty: where a reader of everything else may begin. */
  async findPosition(tenantId: string, manager: EntityManager = this.database.read): Promise<number> {
    const rows: { number: number }[] = await manager.query('SELECT number FROM ledger_heads WHERE tenantId = ?', [
      tenantId,
    ]);
    return Number(rows[0]?.number ?? 0);
  }

  /**
   * Those of a connection's people (null: of all users) of whom a change has a number after `after`, whoever left them
   * included, and those who are `known` to have changed. Null where they are too many to look for.
   */
  async findChanged(
    tenantId: string,
    connectionId: string | null,
    { after, head, known }: { after: number; head: number; known: ReadonlySet<string> },
    manager: EntityManager,
  ): Promise<Set<string> | null> {
    if (head - after > NUMBERS_LOOKED_AT) return null;
    const changed = new Set(known);
    const { conditions, values } = changesOf(connectionId);
    const where = ['o.tenantId = ?', 'o.number > ?', 'o.number <= ?', "e.subjectType = 'user'", ...conditions];
    const sql = `SELECT e.subjectId AS userId FROM event_order o ${joinInOrder(this.database.engine)} events e
      ON e.id = o.eventId WHERE ${where.join(' AND ')}`;
    for (let from = after; from < head && changed.size <= CHANGED_MAX; from += WINDOW) {
      const rows = await selectRows(manager, sql, [tenantId, from, Math.min(head, from + WINDOW), ...values]);
      for (const { userId } of rows) changed.add(String(userId));
    }
    return changed.size > CHANGED_MAX ? null : changed;
  }

  /**
   * Those of a connection's people (null: of all users) of whom a change is committed and may have no number yet. Null
   * where they are too many to look for.
   */
  async findUnnumbered(
    tenantId: string,
    connectionId: string | null,
    manager: EntityManager,
  ): Promise<Set<string> | null> {
    const parcels = await selectRows(
      manager,
      `SELECT eventIds FROM event_queue WHERE tenantId = ? LIMIT ${PARCELS_LOOKED_AT + 1}`,
      [tenantId],
    );
    // Behind by so much, the sequencer is at changes of everybody.
    if (parcels.length > PARCELS_LOOKED_AT) return null;
    const ids = parcels.flatMap(({ eventIds }) => JSON.parse(String(eventIds)) as string[]);
    if (ids.length > EVENTS_LOOKED_AT) return null;
    const { conditions, values } = changesOf(connectionId);
    const where = ['e.tenantId = ?', "e.subjectType = 'user'", ...conditions].join(' AND ');
    const sql = (keys: string) => `SELECT e.subjectId AS userId FROM events e WHERE ${where} AND e.id IN ${keys}`;
    const rows = await selectByKeys(manager, sql, [tenantId, ...values], ids);
    return new Set(rows.map(({ userId }) => String(userId)));
  }

  /**
   * Changes after a number, in order, of a connection's people alone if one is named. `position` is the last number that
   * was looked at, `head` the last there was.
   */
  async readFeed(
    tenantId: string,
    after: number,
    limit: number,
    connectionId: string | null = null,
  ): Promise<{ rows: NumberedRow[]; position: number; head: number }> {
    const head = await this.findPosition(tenantId);
    const endMs = performance.now() + PAGE_MS_MAX;
    const rows: NumberedRow[] = [];
    let position = after;
    while (position < head && rows.length < limit && performance.now() < endMs) {
      const upper = Math.min(head, position + WINDOW);
      const found = await this.select(
        tenantId,
        { after: position, upTo: upper },
        { ...changesOf(connectionId), personal: false },
        `ASC LIMIT ${limit - rows.length}`,
      );
      rows.push(...found);
      position = rows.length === limit ? (rows[rows.length - 1] as NumberedRow).number : upper;
    }
    return { rows, position, head };
  }

  /**
   * Events of every kind, newest first, below the number `before` (default: all). `next` is the number to go on
   * below; null when nothing is left.
   */
  async readAudit(
    tenantId: string,
    filter: AuditFilter,
    limit: number,
    options: { before: number | null; personal: boolean },
  ): Promise<{ rows: NumberedRow[]; next: number | null }> {
    const endMs = performance.now() + PAGE_MS_MAX;
    const head = await this.findPosition(tenantId);
    const first = filter.afterAt === undefined ? 0 : await this.findEdge(tenantId, head, filter.afterAt - DISORDER_MAX);
    const beyond =
      filter.beforeAt === undefined ? head : await this.findEdge(tenantId, head, filter.beforeAt + DISORDER_MAX);
    const wanted: Wanted = { ...conditionsOf(filter), personal: options.personal };
    const rows: NumberedRow[] = [];
    // Numbers in (first, upper] are still to be looked through.
    let upper = Math.min(beyond, (options.before ?? Infinity) - 1);
    if (filter.subjectId !== undefined) {
      const found = await this.selectOfSubject(tenantId, upper, wanted, limit);
      return { rows: found, next: found.length === limit ? (found[limit - 1] as NumberedRow).number : null };
    }
    while (upper > first && rows.length < limit && performance.now() < endMs) {
      const lower = Math.max(first, upper - WINDOW);
      const order = `DESC LIMIT ${limit - rows.length}`;
      const range = { after: lower, upTo: upper };
      rows.push(...(await this.select(tenantId, range, wanted, order)));
      upper = rows.length === limit ? (rows[limit - 1] as NumberedRow).number - 1 : lower;
    }
    return { rows, next: upper > first ? upper + 1 : null };
  }

  private async select(
    tenantId: string,
    range: { after: number; upTo: number },
    { conditions, values, personal }: Wanted,
    order: string,
  ): Promise<NumberedRow[]> {
    const where = ['o.tenantId = ?', 'o.number > ?', 'o.number <= ?', ...conditions].join(' AND ');
    const rows: NumberedRow[] = await this.database.read.query(
      `SELECT o.number, o.hash, ${EVENT_COLUMNS}, ${personal ? 'e.personal' : 'NULL'} AS personal
       FROM event_order o ${joinInOrder(this.database.engine)} events e ON e.id = o.eventId
       WHERE ${where} ORDER BY o.number ${order}`,
      [tenantId, range.after, range.upTo, ...values],
    );
    return rows;
  }

  /** By the subject's index: a subject has few events where a tenant has millions. */
  private async selectOfSubject(
    tenantId: string,
    upTo: number,
    { conditions, values, personal }: Wanted,
    limit: number,
  ): Promise<NumberedRow[]> {
    const where = ['e.tenantId = ?', 'o.number <= ?', ...conditions].join(' AND ');
    const rows: NumberedRow[] = await this.database.read.query(
      `SELECT o.number, o.hash, ${EVENT_COLUMNS}, ${personal ? 'e.personal' : 'NULL'} AS personal
       FROM events e ${joinInOrder(this.database.engine)} event_order o ON o.eventId = e.id
       WHERE ${where} ORDER BY o.number DESC LIMIT ${limit}`,
      [tenantId, upTo, ...values],
    );
    return rows;
  }

  /**
   * A number up to which every event happened before `at` + DISORDER_MAX and after which every one happened at
   * `at` − DISORDER_MAX or later, by halving: times along numbers are in disorder by DISORDER_MAX at most.
   */
  private async findEdge(tenantId: string, head: number, at: Micros): Promise<number> {
    let before = 0;
    let after = head + 1;
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      const rows: { at: number }[] = await this.database.read.query(
        'SELECT e.at FROM event_order o JOIN events e ON e.id = o.eventId WHERE o.tenantId = ? AND o.number = ?',
        [tenantId, middle],
      );
      // A row that is missing has been tampered with; it must not hide the others.
      if (rows[0] === undefined || Number(rows[0].at) < at) before = middle;
      else after = middle;
    }
    return before;
  }
}

/**
 * Changes; with a connection those of its people, whoever has left them included. An event, and what makes its user one of
 * them or somebody who left, are of one transaction: so whoever reads the event later finds the other.
 */
function changesOf(connectionId: string | null): Pick<Wanted, 'conditions' | 'values'> {
  const conditions = ['e.type NOT LIKE ?'];
  const values: SqlValue[] = [`${ATTEMPT_PREFIX}%`];
  if (connectionId !== null) {
    conditions.push(
      "e.subjectType = 'user'",
      `(? IN (SELECT i.connectionId FROM identities i WHERE i.userId = e.subjectId)
        OR EXISTS (SELECT 1 FROM departures d WHERE d.connectionId = ? AND d.userId = e.subjectId))`,
    );
    values.push(connectionId, connectionId);
  }
  return { conditions, values };
}

function conditionsOf(filter: AuditFilter): { conditions: string[]; values: SqlValue[] } {
  const conditions: string[] = [];
  const values: SqlValue[] = [];
  const add = (condition: string, ...some: SqlValue[]): void => {
    conditions.push(condition);
    values.push(...some);
  };
  if (filter.type?.endsWith('*')) {
    const beginning = filter.type.slice(0, -1);
    add('SUBSTR(e.type, 1, ?) = ?', beginning.length, beginning);
  } else if (filter.type !== undefined) add('e.type = ?', filter.type);
  if (filter.subjectId !== undefined) add('e.subjectId = ?', filter.subjectId);
  if (filter.actorId !== undefined) add('e.actorId = ?', filter.actorId);
  if (filter.afterAt !== undefined) add('e.at >= ?', filter.afterAt);
  if (filter.beforeAt !== undefined) add('e.at < ?', filter.beforeAt);
  return { conditions, values };
}
