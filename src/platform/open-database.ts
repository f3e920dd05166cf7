import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import LibsqlDatabase from 'libsql';
import mysql from 'mysql2/promise';
import { DataSource, type DataSourceOptions, type MixedList } from 'typeorm';
import type { Config } from './config.js';
import { Database } from './database.js';
import { databaseTroubleOf } from './database-errors.js';

type Shape = { entities: MixedList<Function>; migrations: MixedList<Function> };

const EMBEDDED_FILE = 'rollcall.sqlite';
const POOL_WAIT_MS_MAX = 10_000;

/**
 * Opens the database that the configuration names. A server that does not answer yet is waited for, `waitMs` at most
 * (containers start in any order); then the driver's error is thrown.
 */
export async function openDatabase(config: Config, shape: Shape, waitMs = 30_000): Promise<Database> {
  const writer = await openDataSource(config, shape, waitMs);
  await writer.initialize();
  if (config.DATABASE_URL !== '') {
    limitPoolWait((writer.driver as unknown as { pool: WaitingPool }).pool, POOL_WAIT_MS_MAX);
    return new Database('mysql', writer, writer);
  }
  const reader = await openDataSource(config, { ...shape, migrations: [] });
  await reader.initialize();
  await reader.query('PRAGMA query_only = ON');
  return new Database('sqlite', writer, reader);
}

/** The same, as TypeORM's own object that is not connected yet. */
export async function openDataSource(config: Config, shape: Shape, waitMs = 0): Promise<DataSource> {
  if (config.DATABASE_URL !== '') {
    const url = config.DATABASE_URL.replace(/^mariadb:/, 'mysql:');
    const type = await detectServer(url, Date.now() + waitMs);
    return new DataSource(serverOptions(type, url, config.DATABASE_POOL, shape));
  }
  mkdirSync(config.DATA_DIR, { recursive: true, mode: 0o700 });
  const source = new DataSource(embeddedOptions(join(config.DATA_DIR, EMBEDDED_FILE), shape));
  allowMediumText(source);
  return source;
}

function embeddedOptions(database: string, shape: Shape): DataSourceOptions {
  return {
    type: 'better-sqlite3',
    driver: LibsqlDatabase,
    database,
    enableWAL: true,
    statementCacheSize: 200,
    prepareDatabase: (connection: InstanceType<typeof LibsqlDatabase>) => {
      connection.pragma('synchronous = FULL');
      connection.pragma('busy_timeout = 5000');
    },
    ...shape,
  };
}

function serverOptions(type: 'mysql' | 'mariadb', url: string, poolSize: number, shape: Shape): DataSourceOptions {
  return {
    type,
    url,
    charset: 'utf8mb4',
    timezone: 'Z',
    connectTimeout: 5000,
    supportBigNumbers: true,
    bigNumberStrings: false,
    poolSize,
    extra: { maxPreparedStatements: 500, enableKeepAlive: true },
    ...shape,
  };
}

type TakeConnection = (error: Error | null, connection?: { release(): void }) => void;

export interface WaitingPool {
  getConnection(done: TakeConnection): void;
}

/**
 * A server that hangs holds every connection of the pool; the driver lets whoever needs one wait without an end. After
 * `waitMsMax` it is an error, which is answered as `database_unavailable`.
 */
export function limitPoolWait(pool: WaitingPool, waitMsMax: number): void {
  const take = pool.getConnection.bind(pool);
  pool.getConnection = (done) => {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      const error = new Error(`no connection to the database became free within ${waitMsMax} ms`);
      done(Object.assign(error, { code: 'ROLLCALL_POOL_TIMEOUT' }));
    }, waitMsMax);
    take((error, connection) => {
      if (isLate) {
        connection?.release();
        return;
      }
      clearTimeout(timer);
      done(error, connection);
    });
  };
}

/** SQLite keeps any column whose type's name contains TEXT as text; TypeORM's list of names is only shorter. */
function allowMediumText(source: DataSource): void {
  source.driver.supportedDataTypes.push('mediumtext');
}

/** TypeORM compares schemas rightly only when it knows which of the two servers it talks to. */
async function detectServer(url: string, deadline: number): Promise<'mysql' | 'mariadb'> {
  for (;;) {
    try {
      const connection = await mysql.createConnection({ uri: url, connectTimeout: 5000 });
      const [rows] = await connection.query<mysql.RowDataPacket[]>('SELECT VERSION() AS version');
      await connection.end();
      return /mariadb/i.test(String(rows[0]?.version)) ? 'mariadb' : 'mysql';
    } catch (error) {
      if (databaseTroubleOf(error) !== 'unavailable' || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}
