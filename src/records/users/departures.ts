import type { EntityManager } from 'typeorm';
import type { PersonChanges } from '../../plan/changes.js';
import type { Micros } from '../../platform/clock.js';
import type { Engine, SqlValue } from '../../platform/database.js';
import { upsertRows } from '../../platform/sql.js';

const COLUMNS = ['connectionId', 'userId', 'tenantId', 'leftAt'] as const;

/** Notes who is none of a connection's people any more, in the transaction of the change that its event tells of. */
export async function noteDepartures(
  tx: EntityManager,
  engine: Engine,
  changes: readonly PersonChanges[],
  now: Micros,
): Promise<void> {
  const rows = changes.flatMap(({ userId, tenantId, identitiesRemoved, after }) => {
    const left = new Set(identitiesRemoved.map(({ connectionId }) => connectionId));
    for (const { connectionId } of after?.identities ?? []) left.delete(connectionId);
    return [...left].map((connectionId): SqlValue[] => [connectionId, userId, tenantId, now]);
  });
  if (rows.length === 0) return;
  rows.sort(([a, b], [c, d]) => (`${String(a)} ${String(b)}` < `${String(c)} ${String(d)}` ? -1 : 1));
  const upsert = { table: 'departures', columns: COLUMNS, key: COLUMNS.slice(0, 2), update: COLUMNS.slice(3) };
  await upsertRows(tx, engine, upsert, rows);
}
