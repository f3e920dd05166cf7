import type { EntityManager } from 'typeorm';

type Sequel = (database: object) => void;

const waiting = new WeakMap<EntityManager, Sequel[]>();

/**
 * Does something within this process once the transaction is committed, and never if it is not: a try that is rolled
 * back takes what was asked for with it. `sequel` gets the Database; it must not throw, nor take time.
 */
export function afterCommit(tx: EntityManager, sequel: Sequel): void {
  const sequels = waiting.get(tx);
  if (sequels) sequels.push(sequel);
  else waiting.set(tx, [sequel]);
}

/** For Database alone: the transaction is committed. */
export function runSequels(tx: EntityManager, database: object): void {
  const sequels = waiting.get(tx) ?? [];
  waiting.delete(tx);
  for (const sequel of sequels) sequel(database);
}
