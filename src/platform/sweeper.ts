import { Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Clock, MINUTE, type Micros } from './clock.js';
import { Database, type SqlValue } from './database.js';
import { Leases } from './leases.js';
import { forUpdate } from './row-locks.js';
import { execute } from './sql.js';

/** Rows that nobody needs once a moment of theirs is past; said by the module that owns the table. */
export interface SweepRule {
  table: string;
  /** The column of that moment, `expiresAt` where nothing is said. It has an index. */
  moment?: string;
  /** Primary key. */
  key: readonly string[];
  /** How long a row is kept after that. */
  keepMicros: Micros;
  /** Rows that are kept all the same, as SQL. */
  except?: string;
  /** Tables whose rows go with these, and what they call the columns of the key. */
  parts?: readonly { table: string; key: readonly string[] }[];
}

const CHUNK_ROWS = 200;
const EVERY_MS = 10 * 60_000;

/** Deletes expired rows in small transactions, one instance at a time. */
@Injectable()
export class Sweeper {
  private readonly logger = new Logger(Sweeper.name);
  private readonly rules: SweepRule[] = [];

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly leases: Leases,
  ) {}

  add(...rules: SweepRule[]): void {
    this.rules.push(...rules);
  }

  @Interval('sweep', EVERY_MS)
  async sweepOnSchedule(): Promise<void> {
    try {
      await this.leases.run('sweep', MINUTE / 1000, (lost) => this.sweep(lost));
    } catch (error) {
      this.logger.warn(`Expired rows were not swept: ${String(error)}`);
    }
  }

  /** Deletes all that has expired and answers how many rows of each table; stops between chunks when aborted. */
  async sweep(stop?: AbortSignal): Promise<Record<string, number>> {
    const deleted: Record<string, number> = {};
    for (const rule of this.rules) {
      let count = 0;
      let last = CHUNK_ROWS;
      while (last === CHUNK_ROWS && !stop?.aborted) {
        last = await this.sweepChunk(rule, this.clock.now() - rule.keepMicros);
        count += last;
      }
      deleted[rule.table] = count;
    }
    return deleted;
  }

  private sweepChunk({ table, key, parts, except, moment = 'expiresAt' }: SweepRule, before: Micros): Promise<number> {
    const past = `${moment} < ?${except === undefined ? '' : ` AND NOT (${except})`}`;
    const select = `SELECT ${key.join(',')} FROM ${table} WHERE ${past} ORDER BY ${moment} LIMIT ${CHUNK_ROWS}`;
    const oneOf = (columns: readonly string[]) => `(${columns.map((column) => `${column} = ?`).join(' AND ')})`;
    return this.database.transaction(async (tx) => {
      const rows = await tx.query<Record<string, SqlValue>[]>(select + forUpdate(tx), [before]);
      if (rows.length === 0) return 0;
      const values = rows.flatMap((row) => key.map((column) => row[column] ?? null));
      for (const each of [...(parts ?? []), { table, key }]) {
        const chosen = Array<string>(rows.length).fill(oneOf(each.key)).join(' OR ');
        await execute(tx, `DELETE FROM ${each.table} WHERE ${chosen}`, values);
      }
      return rows.length;
    });
  }
}
