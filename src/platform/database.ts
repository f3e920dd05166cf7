import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, type QueryRunner } from 'typeorm';
import { runSequels } from './after-commit.js';
import { databaseTroubleOf } from './database-errors.js';
import { type EmbeddedConnection, isConnectionStuck, runEmbedded } from './embedded-transaction.js';
import { Problem } from './problem.js';
import { execute, sendAhead } from './sql.js';

export type Engine = 'sqlite' | 'mysql';
/** What mysql2 counts by; its public interface has no numbers. */
interface DriverPool {
  _allConnections: { length: number };
  _freeConnections: { length: number };
  _connectionQueue: { length: number };
}

export type SqlValue = string | number | boolean | null | Buffer;

const ATTEMPTS_MAX = 6;

/** Reads that all see one moment, whatever is written meanwhile. Whoever opens it closes it. */
export interface Snapshot {
  manager: EntityManager;
  close(): Promise<void>;
}

/**
 * The one way to the database.
 *
 * TypeORM has a single SQLite connection per DataSource: two transactions on it would be one, and a roll-back of the
 * first would undo the second. So on SQLite writers queue here, and readers have a connection of their own, which sees
 * only what is committed. On MySQL every transaction has a connection of the pool, at READ COMMITTED (no gap locks).
 */
@Injectable()
export class Database {
  private lastWrite: Promise<unknown> = Promise.resolve();
  private readonly prepared = new WeakSet<object>();

  constructor(
    readonly engine: Engine,
    private readonly writer: DataSource,
    private readonly reader: DataSource,
  ) {}

  /** For reads outside a transaction: sees what is committed. */
  get read(): EntityManager {
    return this.reader.manager;
  }

  /**
   * For several reads outside a transaction, each of which sees what is committed: on a server they go through one
   * connection, and what is asked for together is sent together (a trip costs more than most reads).
   */
  async readTogether<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    if (this.engine === 'sqlite') return work(this.reader.manager);
    const runner = this.reader.createQueryRunner();
    try {
      sendAhead(runner, await runner.connect());
      return await work(runner.manager);
    } finally {
      await runner.release().catch(() => undefined);
    }
  }

  /**
   * Runs `work` in a transaction and returns what it returns, after the commit. `work` may run several times
   * (deadlock, lost optimistic race), so it must have no effect outside `tx` (but by `afterCommit`), and must make no
   * network call.
   * Throws `Problem('database_unavailable')` when the database does not answer; other errors as they come.
   */
  async transaction<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    if (this.engine === 'mysql') return this.attempt(work);
    const mine = this.lastWrite.then(() => this.attempt(work));
    // The driver works without yielding: between two writes whatever else waits (requests, signals) has its turn.
    this.lastWrite = mine.catch(() => undefined).then(() => new Promise((resolve) => setImmediate(resolve)));
    return mine;
  }

  private async attempt<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.runOnce(work);
      } catch (error) {
        const trouble = databaseTroubleOf(error);
        if (trouble === 'unavailable') throw databaseUnavailable(error);
        if (trouble !== 'conflict' || attempt === ATTEMPTS_MAX) throw error;
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * 2 ** attempt));
      }
    }
  }

  private async runOnce<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    const runner = this.writer.createQueryRunner();
    const { manager } = runner;
    try {
      const result = await (this.engine === 'sqlite'
        ? this.runOnFile(runner, work)
        : runOnServer(runner, await this.prepare(runner), work));
      runSequels(manager, this);
      return result;
    } finally {
      await runner.release().catch(() => undefined);
    }
  }

  private async runOnFile<T>(runner: QueryRunner, work: (tx: EntityManager) => Promise<T>): Promise<T> {
    const connection = (await runner.connect()) as EmbeddedConnection;
    try {
      return await runEmbedded(runner, connection, work);
    } catch (error) {
      if (isConnectionStuck(connection, error)) {
        await this.writer.driver.disconnect();
        await this.writer.driver.connect();
      }
      throw error;
    }
  }

  /** A connection of the pool: each is set up once, and not again with every transaction. */
  private async prepare(runner: QueryRunner): Promise<PooledConnection> {
    const connection = (await runner.connect()) as PooledConnection;
    if (this.prepared.has(connection)) return connection;
    await runner.query(`SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'`);
    await runner.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
    this.prepared.add(connection);
    return connection;
  }

  /**
   * Opens a view of the database as it is now, on a connection of its own: on SQLite the readers share one, and would
   * otherwise all be held at that moment. Throws `Problem('database_unavailable')`.
   */
  async openSnapshot(): Promise<Snapshot> {
    const own =
      this.engine === 'sqlite' ? new DataSource({ ...this.reader.options, entities: [], migrations: [] }) : null;
    let runner: QueryRunner | null = null;
    const close = async (): Promise<void> => {
      await runner?.query('COMMIT').catch(() => undefined);
      await runner?.release().catch(() => undefined);
      if (own?.isInitialized) await own.destroy();
    };
    try {
      await own?.initialize();
      runner = (own ?? this.reader).createQueryRunner();
      await runner.connect();
      if (own) {
        // The moment of a transaction on SQLite is that of its first read.
        await runner.query('BEGIN');
        await runner.query('SELECT 1 FROM users LIMIT 1');
      } else {
        await runner.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
        await runner.query('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY');
      }
      return { manager: runner.manager, close };
    } catch (error) {
      await close();
      throw databaseTroubleOf(error) === 'unavailable' ? databaseUnavailable(error) : error;
    }
  }

  async migrate(): Promise<string[]> {
    const done = await this.writer.runMigrations({ transaction: 'each' });
    return done.map((each) => each.name);
  }

  /** The names of migrations that this version brings and the database has not had. */
  async findPendingMigrations(): Promise<string[]> {
    const known = await this.findDoneMigrations();
    return this.writer.migrations.map((each) => each.name ?? each.constructor.name).filter((name) => !known.has(name));
  }

  private async findDoneMigrations(): Promise<Set<string>> {
    try {
      const rows: { name: string }[] = await this.writer.query('SELECT name FROM migrations');
      return new Set(rows.map((row) => row.name));
    } catch (error) {
      if (databaseTroubleOf(error) === 'unavailable') throw databaseUnavailable(error);
      // A database that has had none has no such table.
      return new Set();
    }
  }

  /** The statements that would make the tables what the entities say; empty when they agree. */
  async findDrift(): Promise<string[]> {
    const log = await this.writer.driver.createSchemaBuilder().log();
    return log.upQueries.map((each) => each.query);
  }

  async ping(): Promise<void> {
    try {
      await this.reader.query('SELECT 1');
    } catch (error) {
      throw databaseUnavailable(error);
    }
  }

  /** The connections of the pool to a server; null for the embedded database, which has none. */
  poolUse(): { busy: number; idle: number; awaited: number } | null {
    const { pool } = this.writer.driver as { pool?: Partial<DriverPool> };
    if (!pool?._allConnections || !pool._freeConnections || !pool._connectionQueue) return null;
    const idle = pool._freeConnections.length;
    return { busy: pool._allConnections.length - idle, idle, awaited: pool._connectionQueue.length };
  }

  /** After everything that uses it (shutdown.ts). */
  async close(): Promise<void> {
    await this.lastWrite;
    if (this.writer.isInitialized) await this.writer.destroy();
    if (this.reader !== this.writer && this.reader.isInitialized) await this.reader.destroy();
  }
}

interface PooledConnection {
  destroy(): void;
}

/**
 * On a server statements are sent ahead of the answers to those before. A deadlock ends the transaction there and then,
 * and what was sent behind it would be committed statement by statement: so it is not `START TRANSACTION` but the
 * connection's autocommit that is off, and all of it ends with the roll-back. To switch it on again commits.
 */
async function runOnServer<T>(
  runner: QueryRunner,
  connection: PooledConnection,
  work: (tx: EntityManager) => Promise<T>,
): Promise<T> {
  sendAhead(runner, connection);
  // For TypeORM, which would begin a transaction of its own.
  Object.assign(runner, { isTransactionActive: true });
  const begun = execute(runner.manager, 'SET autocommit = 0', []);
  // Whoever waits for what is sent behind it hears the same.
  begun.catch(() => undefined);
  try {
    const result = await work(runner.manager);
    await begun;
    await execute(runner.manager, 'SET autocommit = 1', []);
    return result;
  } catch (error) {
    try {
      await runner.query('ROLLBACK');
      await runner.query('SET autocommit = 1');
    } catch {
      // It is gone, or in a state that nobody else shall meet; the server rolls back by itself.
      connection.destroy();
    }
    throw error;
  }
}

export function databaseUnavailable(cause: unknown): Problem {
  return new Problem('database_unavailable', undefined, { retryAfterSeconds: 5, cause });
}
