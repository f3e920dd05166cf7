import { type EntityManager, LessThan } from 'typeorm';
import type { Micros } from '../../platform/clock.js';
import { selectRows } from '../../platform/sql.js';
import { RunEntity } from './run.entity.js';

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

type SnapshotOfScope = Pick<RunEntity, 'id' | 'tenantId' | 'connectionId' | 'scope'>;

/**
 * How many active people the scope of a snapshot has before it. An earlier one that was held, or has
 * come to no end, may have brought people there: until one of the scope is through, they do not count. One that could
 * not say who is missing has told whether they do by its `people`.
 */
export async function countBefore(manager: EntityManager, run: SnapshotOfScope, now: Micros): Promise<number> {
  const { id, tenantId, connectionId, scope } = run;
  const mode = 'snapshot';
  const people = await countPeople(manager, connectionId, scope, now + 1);
  const last = await manager.findOne(RunEntity, {
    where: { tenantId, connectionId, mode, scope, id: LessThan(id) },
    order: { startedAt: 'DESC', id: 'DESC' },
  });
  const isThrough = !last || (last.status === 'finished' && last.error === null);
  return isThrough ? people : Math.min(people, last.people ?? people);
}
