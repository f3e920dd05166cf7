import { join } from 'node:path';
import LibsqlDatabase from 'libsql';
import mysql from 'mysql2/promise';
import { DataSource, type DataSourceOptions, type MixedList } from 'typeorm';
import { type Config, ConfigError } from './config.js';
import { makeDataFolder } from './data-folder.js';
import { Database } from './database.js';
import { databaseTroubleOf } from './database-errors.js';

type Shape = { entities: MixedList<Function>; migrations: MixedList<Function> };

const EMBEDDED_FILE = 'rollcall.sqlite';
const POOL_WAIT_MS_MAX = 10_000;

/** Long enough for a server that starts together with the service. */
export const SERVER_WAIT_MS = 30_000;

interface Waiting {
  /** How long a server that does not answer yet is waited for. */
  waitMs: number;
  /** Is told once that it is, and never of a credential. */
  tell: (text: string) => void;
}

const NO_WAITING: Waiting = { waitMs: 0, tell: () => undefined };

/**
 * Opens the database that the configuration names. A server that does not answer yet is waited for (containers start in
 * any order). Throws ConfigError, which names the setting that leads nowhere.
 */
export async function openDatabase(config: Config, shape: Shape, waiting = NO_WAITING): Promise<Database> {
  const writer = await openDataSource(config, shape, waiting);
  if (config.DATABASE_URL !== '') {
    await writer.initialize();
    limitPoolWait((writer.driver as unknown as { pool: WaitingPool }).pool, POOL_WAIT_MS_MAX);
    return new Database('mysql', writer, writer);
  }
  try {
    await writer.initialize();
  } catch (error) {
    if (databaseTroubleOf(error) === null) throw error;
    throw new ConfigError([`DATA_DIR ${config.DATA_DIR} holds no database that opens: ${(error as Error).message}`]);
  }
  const reader = await openDataSource(config, { ...shape, migrations: [] });
  await reader.initialize();
  await reader.query('PRAGMA query_only = ON');
  return new Database('sqlite', writer, reader);
}

/** The same, as TypeORM's own object that is not connected yet. */
export async function openDataSource(config: Config, shape: Shape, waiting = NO_WAITING): Promise<DataSource> {
  if (config.DATABASE_URL !== '') {
    const url = config.DATABASE_URL.replace(/^mariadb:/, 'mysql:');
    const type = await detectServer(url, waiting);
    return new DataSource(serverOptions(type, url, config.DATABASE_POOL, shape));
  }
  makeDataFolder(config);
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
async function detectServer(url: string, { waitMs, tell }: Waiting): Promise<'mysql' | 'mariadb'> {
  const deadline = Date.now() + waitMs;
  let isTold = false;
  for (;;) {
    try {
      const connection = await mysql.createConnection({ uri: url, connectTimeout: 5000 });
      const [rows] = await connection.query<mysql.RowDataPacket[]>('SELECT VERSION() AS version');
      await connection.end();
      return /mariadb/i.test(String(rows[0]?.version)) ? 'mariadb' : 'mysql';
    } catch (error) {
      const reason = reasonOf(error);
      if (databaseTroubleOf(error) !== 'unavailable') {
        throw new ConfigError([`DATABASE_URL: the database at ${placeOf(url)} refuses: ${reason}`]);
      }
      const trouble = `the database at ${placeOf(url)} does not answer (${reason})`;
      if (Date.now() >= deadline) throw new ConfigError([`DATABASE_URL: ${trouble}`]);
      if (!isTold) tell(`${trouble}; trying until ${new Date(deadline).toISOString()}`);
      isTold = true;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

/** Where a server is; the rest of its address is nobody's business. */
function placeOf(url: string): string {
  const { hostname, port } = new URL(url);
  return `${hostname}:${port || '3306'}`;
}

/** Of a host with several addresses the error that stands for all of them says nothing. */
function reasonOf(error: unknown): string {
  const { message, code } = error as { message: string; code?: unknown };
  return message === '' ? String(code) : message;
}
