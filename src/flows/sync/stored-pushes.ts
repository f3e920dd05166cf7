import type { EntityManager } from 'typeorm';
import { selectByKeys } from '../../platform/sql.js';
import type { IncomingRecord, StoredPush } from './sync-chunk.js';

/** What is stored of the identities that the records name, by external id. */
export async function findStoredPushes(
  read: EntityManager,
  connectionId: string,
  records: readonly IncomingRecord[],
): Promise<Map<string, StoredPush>> {
  const ids: string[] = [];
  for (const { externalId } of records) if (externalId !== null) ids.push(externalId);
  const rows = await selectByKeys(
    read,
    (keys) =>
      `SELECT externalId, userId, pushHash, mappingVersion FROM identities WHERE connectionId = ? AND externalId IN ${keys}`,
    [connectionId],
    ids,
  );
  const stored = new Map<string, StoredPush>();
  for (const row of rows) stored.set(row.externalId as string, row as unknown as StoredPush);
  return stored;
}
