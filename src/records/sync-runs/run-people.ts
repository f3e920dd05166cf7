import type { EntityManager } from 'typeorm';
import type { Micros } from '../../platform/clock.js';
import { selectRows } from '../../platform/sql.js';
import type { RunEntity } from './run.entity.js';

/** Whose people are counted: of a named scope, or of a snapshot's; null: of the whole connection. */
export function scopeOf({ mode, scope }: Pick<RunEntity, 'mode' | 'scope'>): string | null {
  return mode === 'snapshot' || scope !== '' ? scope : null;
}

/** The active identities of a connection, or of a scope of it, that were there before a moment. */
export async function countPeople(
  manager: EntityManager,
  connectionId: string,
  scope: string | null,
  before: Micros,
): Promise<number> {
  const sql = 'SELECT COUNT(*) AS people FROM identities WHERE connectionId = ? AND active = ? AND createdAt < ?';
  const values = [connectionId, 1, before];
  const [row] = await (scope === null
    ? selectRows(manager, sql, values)
    : selectRows(manager, `${sql} AND scope = ?`, [...values, scope]));
  return Number(row?.people ?? 0);
}
