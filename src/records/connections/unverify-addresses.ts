import type { EntityManager } from 'typeorm';
import { staysVerified } from '../../plan/remove-identity.js';
import { execute, placeholders, selectByKeys } from '../../platform/sql.js';
import { loadRoleCatalogue } from '../roles/role-catalogue.js';
import { loadPersons } from '../users/person-loader.js';
import { loadPolicies } from './load-policies.js';

/**
 * Of these users, whoever's address nobody but the connection calls verified: it is not from now on, or a connection that
 * comes later would link its people to them (E2). In the transaction that takes the connection's identities away, and
 * before it does; the users' versions are raised there. Answers the ids of those users.
 */
export async function unverifyAddresses(
  tx: EntityManager,
  tenantId: string,
  connectionId: string,
  userIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const verified = await selectByKeys(
    tx,
    (keys) => `SELECT id FROM users WHERE tenantId = ? AND emailVerified = 1 AND id IN ${keys}`,
    [tenantId],
    userIds,
  );
  if (verified.length === 0) return new Set();
  const { persons } = await loadPersons(
    tx,
    tenantId,
    verified.map(({ id }) => String(id)),
  );
  const connectionIds = [...persons.values()].flatMap(({ identities }) => identities.map((one) => one.connectionId));
  const policies = await loadPolicies(tx, tenantId, connectionIds, await loadRoleCatalogue(tx, tenantId));
  const lost = [...persons.values()]
    .filter((person) => !staysVerified(person, connectionId, (id) => policies.get(id) ?? null))
    .map(({ user }) => user.id);
  if (lost.length > 0) {
    await execute(tx, `UPDATE users SET emailVerified = 0 WHERE id IN ${placeholders(lost.length)}`, lost);
  }
  return new Set(lost);
}
