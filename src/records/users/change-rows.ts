import type { PersonChanges } from '../../plan/changes.js';
import type { SqlValue } from '../../platform/database.js';
import { blockRow, grantRow, userRow } from './person-rows.js';

/** The rows that changes of persons add, by table. */

/** Nothing of these persons is stored yet: their keys alone can refuse them. */
export function areNew(changes: readonly PersonChanges[]): boolean {
  return changes.every((change) => {
    const { fromVersion, identitiesUpdated, identitiesRemoved } = change;
    return fromVersion === 0 && identitiesUpdated.length + identitiesRemoved.length === 0 && !change.deleted;
  });
}

export function usersOf(changes: readonly PersonChanges[], which: 'new' | 'known'): SqlValue[][] {
  const isWanted = ({ fromVersion }: PersonChanges) => (fromVersion === 0) === (which === 'new');
  return changes.flatMap((each) => (each.user && isWanted(each) ? [userRow(each.user)] : []));
}

export function grantsOf(changes: readonly PersonChanges[]): SqlValue[][] {
  return changes.flatMap(({ tenantId, userId, grantsAdded }) =>
    grantsAdded.map((grant) => grantRow(grant, tenantId, userId)),
  );
}

export function blocksOf(changes: readonly PersonChanges[]): SqlValue[][] {
  return changes.flatMap(({ tenantId, userId, blocksAdded }) =>
    blocksAdded.map((block) => blockRow(block, tenantId, userId)),
  );
}
