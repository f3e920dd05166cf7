import type { EntityManager, QueryRunner } from 'typeorm';
import { databaseTroubleOf } from './database-errors.js';

/** What is used of a connection of libsql. */
export interface EmbeddedConnection {
  prepare(sql: string): { run(): unknown };
  pragma(text: string): unknown;
  readonly open: boolean;
  /** To ask a closed connection ends the process. */
  readonly inTransaction: boolean;
}

interface Ends {
  begin(): unknown;
  commit(): unknown;
  rollBack(): unknown;
}

/** A command beside the service writes for milliseconds; a file that stays locked for so long is held by something. */
const LOCK_WAIT_MS_MAX = 5000;
const LOCK_POLL_MS_MAX = 10;

const endsOf = new WeakMap<EmbeddedConnection, Ends>();

/**
 * Runs `work` in a transaction that holds SQLite's write lock from its beginning: what it reads cannot be overtaken by
 * another process (a command beside the service) before it writes. The process does other things while that lock is
 * waited for; after LOCK_WAIT_MS_MAX it is an error, which is answered as `database_unavailable`.
 */
export async function runEmbedded<T>(
  runner: QueryRunner,
  connection: EmbeddedConnection,
  work: (tx: EntityManager) => Promise<T>,
): Promise<T> {
  const { begin, commit, rollBack } = getEnds(connection);
  await takeLock(begin);
  // For TypeORM, which would begin a transaction of its own.
  Object.assign(runner, { isTransactionActive: true, transactionDepth: 1 });
  try {
    const result = await work(runner.manager);
    commit();
    return result;
  } catch (error) {
    // A full disk, for one, has ended it already.
    if (isInTransaction(connection)) rollBack();
    throw error;
  } finally {
    Object.assign(runner, { isTransactionActive: false, transactionDepth: 0 });
  }
}

/**
 * Whether a connection is of no use after this error: libsql does not end a statement that met a lock, so what it had
 * begun to read stays its view for ever, and every later write fails in the same way.
 */
export function isConnectionStuck(connection: EmbeddedConnection, error: unknown): boolean {
  if (isInTransaction(connection)) return true;
  for (let each = error; each instanceof Error; each = (each as { driverError?: unknown }).driverError) {
    if ((each as { code?: unknown }).code === 'SQLITE_BUSY_SNAPSHOT') return true;
  }
  return false;
}

function isInTransaction(connection: EmbeddedConnection): boolean {
  return connection.open && connection.inTransaction;
}

/**
 * One statement of each for the life of the connection. libsql does not end a BEGIN that met a lock, and while it is
 * under way nothing else can be committed; to run the same statement again ends it, to prepare another does not.
 */
function getEnds(connection: EmbeddedConnection): Ends {
  const known = endsOf.get(connection);
  // The statements of a closed connection still work, and would hold the lock; to prepare one says that it is closed.
  if (known && connection.open) return known;
  const [begin, commit, rollBack] = ['BEGIN IMMEDIATE', 'COMMIT', 'ROLLBACK'].map((sql) => connection.prepare(sql));
  const made = { begin: () => begin?.run(), commit: () => commit?.run(), rollBack: () => rollBack?.run() };
  // The driver would wait for the lock without letting anything else of this process have its turn.
  connection.pragma('busy_timeout = 0');
  endsOf.set(connection, made);
  return made;
}

async function takeLock(begin: () => unknown): Promise<void> {
  const until = performance.now() + LOCK_WAIT_MS_MAX;
  for (;;) {
    try {
      begin();
      return;
    } catch (error) {
      if (databaseTroubleOf(error) !== 'conflict') throw error;
      if (performance.now() > until) throw lockTimeout(error);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * LOCK_POLL_MS_MAX));
    }
  }
}

function lockTimeout(cause: unknown): Error {
  const error = new Error(`another process has held the database file locked for ${LOCK_WAIT_MS_MAX} ms`, { cause });
  return Object.assign(error, { code: 'ROLLCALL_LOCK_TIMEOUT' });
}
