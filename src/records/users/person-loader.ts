import type { EntityManager } from 'typeorm';
import type { Person } from '../../plan/person.js';
import { selectByKeys } from '../../platform/sql.js';
import { readBlock, readGrant, readIdentity, readUser } from './person-rows.js';

/** Persons as stored, and the revision of each identity's row, which guards it when it is written. */
export interface LoadedPersons {
  persons: Map<string, Person>;
  revisions: Map<string, number>;
}

/**
 * Loads whole persons of a tenant by user id, in four reads for any number of them. Ids that are unknown or of another
 * tenant are left out.
 */
export async function loadPersons(
  manager: EntityManager,
  tenantId: string,
  userIds: readonly string[],
): Promise<LoadedPersons> {
  const persons = new Map<string, Person>();
  const revisions = new Map<string, number>();
  if (userIds.length === 0) return { persons, revisions };
  const ids = [...new Set(userIds)].sort();
  // Without the tenant, which would tempt an optimizer to read all of it; whoever is not of it has no user below.
  const byUser = (table: string) =>
    selectByKeys(manager, (keys) => `SELECT * FROM ${table} WHERE userId IN ${keys}`, [], ids);
  const [users, identities, grants, blocks] = await Promise.all([
    selectByKeys(manager, (keys) => `SELECT * FROM users WHERE tenantId = ? AND id IN ${keys}`, [tenantId], ids),
    byUser('identities'),
    byUser('grants'),
    byUser('blocks'),
  ]);
  for (const row of users) {
    const user = readUser(row);
    persons.set(user.id, { user, identities: [], grants: [], blocks: [] });
  }
  for (const row of identities) {
    const person = persons.get(String(row.userId));
    if (!person) continue;
    const identity = readIdentity(row);
    revisions.set(identity.id, Number(row.revision));
    person.identities.push(identity);
  }
  for (const person of persons.values())
    person.identities.sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  for (const row of grants) persons.get(String(row.userId))?.grants.push(readGrant(row));
  for (const row of blocks) persons.get(String(row.userId))?.blocks.push(readBlock(row));
  return { persons, revisions };
}
