import type { EntityManager } from 'typeorm';
import { rowLock } from '../../platform/row-locks.js';
import { ConnectionSourceEntity } from './source.entity.js';

/** As it is, and for this transaction alone to change: a pull that notes its end meanwhile is waited for. */
export function lockSource(tx: EntityManager, connectionId: string): Promise<ConnectionSourceEntity | null> {
  return tx.findOne(ConnectionSourceEntity, { where: { connectionId }, ...rowLock(tx) });
}
