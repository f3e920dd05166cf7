import type { EntityManager } from 'typeorm';

/**
 * For `find…` within a transaction: the row is this transaction's alone until it ends. Nothing on SQLite, which has no
 * row locks and one writer.
 */
export function rowLock(tx: EntityManager): { lock?: { mode: 'pessimistic_write' } } {
  return hasRowLocks(tx) ? { lock: { mode: 'pessimistic_write' } } : {};
}

/** The same at the end of a SELECT. */
export function forUpdate(tx: EntityManager): '' | ' FOR UPDATE' {
  return hasRowLocks(tx) ? ' FOR UPDATE' : '';
}

/** At the end of a SELECT: nobody changes the rows until the transaction ends, but others may hold them so too. */
export function forShare(tx: EntityManager): '' | ' LOCK IN SHARE MODE' {
  return hasRowLocks(tx) ? ' LOCK IN SHARE MODE' : '';
}

function hasRowLocks(tx: EntityManager): boolean {
  return tx.connection.options.type !== 'better-sqlite3';
}
