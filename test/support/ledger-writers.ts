import { setTimeout as pause } from 'node:timers/promises';
import type { Database } from '../../src/platform/database.js';
import { newId } from '../../src/platform/ids.js';
import type { LedgerService, NewEvent } from '../../src/ledger/ledger.service.js';

export function userEvent(tenantId: string, userId: string, version: number, more: Partial<NewEvent> = {}): NewEvent {
  return {
    tenantId,
    type: 'user.updated',
    subject: { type: 'user', id: userId, version },
    actor: { type: 'system', id: 'system' },
    via: 'sync',
    fields: ['displayName'],
    ...more,
  };
}

/**
 * Writes `count` transactions one after the other, each of some events with personal parts; every fourth is rolled
 * back after its events were inserted. `onCommit` hears the subjects of each commit's events.
 */
export async function writeTransactions(
  database: Database,
  ledger: LedgerService,
  tenantIds: readonly string[],
  count: number,
  onCommit: (subjectIds: string[]) => void = () => undefined,
): Promise<{ committed: number; rolledBack: number }> {
  let committed = 0;
  let rolledBack = 0;
  for (let index = 0; index < count; index++) {
    const tenantId = tenantIds[index % tenantIds.length] as string;
    const events = Array.from({ length: 1 + (index % 5) }, () =>
      userEvent(tenantId, newId(), 1, { personal: { name: `Ada ${index}` } }),
    );
    try {
      await database.transaction(async (tx) => {
        await ledger.record(tx, events);
        // Lets other transactions and the sequencer in between insert and commit.
        await pause(0);
        if (index % 4 === 3) throw new Error('rolled back on purpose');
      });
      committed += events.length;
      onCommit(events.map((event) => event.subject.id));
    } catch (error) {
      if ((error as Error).message !== 'rolled back on purpose') throw error;
      rolledBack += events.length;
    }
  }
  return { committed, rolledBack };
}
