/** What the two drivers call the same events, as one word each. Unknown errors are null: they are faults of ours. */
export type DatabaseTrouble = 'conflict' | 'duplicate' | 'unavailable';

const CONFLICT = new Set([
  'ER_LOCK_DEADLOCK',
  'ER_LOCK_WAIT_TIMEOUT',
  'ER_CHECKREAD',
  'SQLITE_BUSY',
  'SQLITE_BUSY_SNAPSHOT',
  'SQLITE_LOCKED',
]);
const DUPLICATE = new Set(['ER_DUP_ENTRY', 'SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY']);
const UNAVAILABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR',
  'PROTOCOL_ENQUEUE_AFTER_QUIT',
  'ER_SERVER_SHUTDOWN',
  'ER_CON_COUNT_ERROR',
  'ER_TOO_MANY_USER_CONNECTIONS',
  'ER_NORMAL_SHUTDOWN',
  'ER_NEW_ABORTING_CONNECTION',
  'ER_ABORTING_CONNECTION',
  'ER_CONNECTION_KILLED',
  'ER_OPTION_PREVENTS_STATEMENT',
  'ER_UNKNOWN_COM_ERROR',
  'SQLITE_IOERR',
  'SQLITE_FULL',
  'SQLITE_CANTOPEN',
  'ROLLCALL_POOL_TIMEOUT',
  'ROLLCALL_LOCK_TIMEOUT',
]);

export function databaseTroubleOf(error: unknown): DatabaseTrouble | null {
  for (let each = error; each instanceof Error; each = causeOf(each)) {
    const code = (each as { code?: unknown }).code;
    if (typeof code === 'string') {
      if (CONFLICT.has(code)) return 'conflict';
      if (DUPLICATE.has(code)) return 'duplicate';
      if (UNAVAILABLE.has(code)) return 'unavailable';
    }
    if (/closed state|Pool is closed|is not established|connection is not open|database is locked/.test(each.message)) {
      return each.message.includes('locked') ? 'conflict' : 'unavailable';
    }
  }
  return null;
}

function causeOf(error: Error): unknown {
  return (error as { driverError?: unknown }).driverError ?? error.cause;
}

/** The name of the unique index or the columns that were violated, as the engine words it; for choosing a problem. */
export function duplicateOf(error: unknown): string | null {
  return databaseTroubleOf(error) === 'duplicate' && error instanceof Error ? error.message : null;
}
