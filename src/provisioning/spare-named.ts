import type { EntityManager } from 'typeorm';
import type { NewEvent } from '../ledger/ledger.service.js';
import { namedStatement } from '../plan/missing.js';
import { MINUTE, type Micros } from '../platform/clock.js';
import type { Database } from '../platform/database.js';
import { selectByKeys, selectRows } from '../platform/sql.js';
import { AFTER_RECORDS, type EntryOfRun } from '../records/sync-runs/run-entries.js';
import type { ProvisioningService } from './provisioning.service.js';

/** Other instances have clocks of their own, and a run says only now and then that it lives. */
const CLOCKS_DIFFER: Micros = MINUTE;
const PEOPLE_AT_ONCE = 500;

/** Whom records of a push have named that left no trace in anybody's facts. */
export interface NamedPeople {
  /** The moment that was spoken of. */
  at: Micros;
  externalIds: readonly string[];
  /** When it was looked up what is stored of them, or before. */
  lookedAt: Micros;
}

/**
 * To be called when it is committed that a push has named them. A snapshot that took stock after the push had looked, and
 * before that, has found them missing, and heard nothing of it: it is stated now that they were named. A snapshot that
 * takes stock later finds it noted. Costs one read by an index where there is no such snapshot.
 */
export async function spareNamed(
  { database, provisioning }: { database: Database; provisioning: ProvisioningService },
  run: EntryOfRun & { actor: NewEvent['actor'] },
  named: readonly NamedPeople[],
): Promise<void> {
  const quiet = named.filter(({ externalIds }) => externalIds.length > 0);
  if (quiet.length === 0) return;
  const since = Math.min(...quiet.map(({ lookedAt }) => lookedAt));
  const snapshots = await findSnapshots(database.read, run, since - CLOCKS_DIFFER);
  if (snapshots.length === 0) return;
  for (const { at, externalIds } of quiet) {
    const ids = await findMissed(database.read, run.connectionId, snapshots, { at, externalIds });
    for (let from = 0; from < ids.length; from += PEOPLE_AT_ONCE) {
      const submissions = ids.slice(from, from + PEOPLE_AT_ONCE).map((identityId) => ({
        tenantId: run.tenantId,
        statement: namedStatement(run.connectionId, identityId, at),
        purpose: 'push' as const,
        via: 'sync' as const,
        actor: run.actor,
        runId: run.id,
        pushHash: null,
      }));
      await provisioning.submitWhole(submissions, () => Promise.resolve());
    }
  }
}

/** The other snapshots of the connection that found somebody missing, and were alive at `since` or after it. */
async function findSnapshots(read: EntityManager, run: EntryOfRun, since: Micros): Promise<string[]> {
  const rows = await selectRows(
    read,
    `SELECT r.id FROM runs r WHERE r.connectionId = ? AND r.mode = 'snapshot' AND r.aliveAt >= ? AND r.id <> ?
       AND EXISTS (SELECT 1 FROM run_entries e WHERE e.runId = r.id AND e.entry > ?)`,
    [run.connectionId, since, run.id, AFTER_RECORDS],
  );
  return rows.map(({ id }) => String(id));
}

/** The identities of those whom one of the snapshots is about to switch off, or has switched off. */
async function findMissed(
  read: EntityManager,
  connectionId: string,
  snapshots: readonly string[],
  { at, externalIds }: Pick<NamedPeople, 'at' | 'externalIds'>,
): Promise<string[]> {
  const of = snapshots.map(() => '?').join();
  const rows = await selectByKeys(
    read,
    (keys) =>
      `SELECT DISTINCT i.id FROM identities i JOIN run_entries e ON e.identityId = i.id
       WHERE e.runId IN (${of}) AND e.\`change\` = 'deactivate' AND e.at < ?
         AND (e.state IN ('waiting', 'due', 'held', 'leaving') OR (e.state = 'applied' AND i.active = 0))
         AND i.connectionId = ? AND i.externalId IN ${keys}`,
    [...snapshots, at, connectionId],
    externalIds,
  );
  return rows.map(({ id }) => String(id));
}
