import mysql from 'mysql2/promise';
import { packEvents } from '../../src/ledger/event-parcels.js';
import type { SqlValue } from '../../src/platform/database.js';
import type { Customer } from './customer.js';
import type { Stage } from './stage.js';
import { runLoops } from './wire.js';

type Row = SqlValue[];

const PEOPLE_PER_CHUNK = 1000;
/** Read before, and written in one go while the clock runs. */
const CHUNKS_PER_ROUND = 10;

/** Which rows of a table follow from a chunk of users, by the users' ids or the events'. */
const TABLES = [
  { name: 'users', where: 'id', of: 'users' },
  { name: 'identities', where: 'userId', of: 'users' },
  { name: 'grants', where: 'userId', of: 'users' },
  { name: 'events', where: 'id', of: 'events' },
  { name: 'event_queue', where: 'eventId', of: 'events' },
  { name: 'event_order', where: 'eventId', of: 'events' },
] as const;

/** Rows of the customer's people by table, at the moment of the last answer. */
export type Written = Record<string, number>;

interface Place {
  after: string;
  left: Written;
  peoplePerChunk: number;
}

interface ReadChunk {
  chunk: [string, Row[]][];
  last: string | null;
}

/** Writes the rows that a push wrote once more, by plain multi-row inserts into the same tables of another database. */
export class RowCopier {
  private constructor(
    private readonly reader: mysql.Connection,
    private readonly copyUrl: string,
    private readonly tenantId: string,
  ) {}

  static async open(stage: Stage, { tenantId }: Customer): Promise<RowCopier> {
    const reader = await stage.connect();
    const url = new URL(stage.databaseUrl);
    const source = url.pathname.slice(1);
    url.pathname += '_floor';
    const copy = url.pathname.slice(1);
    await reader.query(`CREATE DATABASE ${copy}`);
    for (const { name } of TABLES) await reader.query(`CREATE TABLE ${copy}.${name} LIKE ${source}.${name}`);
    return new RowCopier(reader, url.href, tenantId);
  }

  async countWritten(): Promise<Written> {
    const written: Written = {};
    for (const { name } of TABLES) {
      const [rows] = await this.reader.query<mysql.RowDataPacket[]>(
        `SELECT COUNT(*) AS count FROM ${name} WHERE tenantId = ?`,
        [this.tenantId],
      );
      written[name] = Number(rows[0]?.count);
    }
    return written;
  }

  /** The seconds that it takes to write `written` rows of each table, a transaction for each `peoplePerChunk` people. */
  async measure(written: Written, atOnce: number, peoplePerChunk = PEOPLE_PER_CHUNK): Promise<number> {
    const writers = await Promise.all(Array.from({ length: atOnce }, () => mysql.createConnection(this.copyUrl)));
    const left = { ...written };
    let after = '';
    let seconds = 0;
    for (;;) {
      const chunks: [string, Row[]][][] = [];
      while (chunks.length < CHUNKS_PER_ROUND) {
        const { chunk, last } = await this.readChunk({ after, left, peoplePerChunk });
        if (last === null) break;
        chunks.push(chunk);
        after = last;
      }
      if (chunks.length === 0) break;
      const round = await runLoops(atOnce, async (worker) => {
        const chunk = chunks.pop();
        if (!chunk) return false;
        await writeChunk(writers[worker] as mysql.Connection, chunk);
        return true;
      });
      seconds += round.seconds;
    }
    await Promise.all(writers.map((writer) => writer.end()));
    return seconds;
  }

  async close(): Promise<void> {
    await this.reader.query(`DROP DATABASE ${new URL(this.copyUrl).pathname.slice(1)}`);
    await this.reader.end();
  }

  private async readChunk({ after, left, peoplePerChunk }: Place): Promise<ReadChunk> {
    const ids = await this.readColumn('SELECT id FROM users WHERE tenantId = ? AND id > ? ORDER BY id LIMIT ?', [
      this.tenantId,
      after,
      peoplePerChunk,
    ]);
    if (ids.length === 0) return { chunk: [], last: null };
    const events = await this.readColumn('SELECT id FROM events WHERE tenantId = ? AND subjectId IN (?) ORDER BY id', [
      this.tenantId,
      ids,
    ]);
    const chunk: [string, Row[]][] = [];
    for (const { name, where, of } of TABLES) {
      const rows =
        name === 'event_queue'
          ? packEvents(events.map((id) => ({ id, tenantId: this.tenantId })))
          : await this.readRows(`SELECT * FROM ${name} WHERE ${where} IN (?)`, [of === 'users' ? ids : events]);
      const wanted = rows.slice(0, left[name]);
      left[name] = (left[name] ?? 0) - wanted.length;
      if (wanted.length > 0) chunk.push([name, wanted]);
    }
    return { chunk, last: ids.at(-1) ?? null };
  }

  private async readRows(sql: string, values: unknown[]): Promise<Row[]> {
    const [rows] = await this.reader.query<mysql.RowDataPacket[][]>({ sql, values, rowsAsArray: true });
    return rows as unknown as Row[];
  }

  private async readColumn(sql: string, values: unknown[]): Promise<string[]> {
    return (await this.readRows(sql, values)).map(([first]) => String(first));
  }
}

async function writeChunk(writer: mysql.Connection, chunk: [string, Row[]][]): Promise<void> {
  await writer.beginTransaction();
  for (const [table, rows] of chunk) await writer.query(`INSERT INTO ${table} VALUES ?`, [rows]);
  await writer.commit();
}
