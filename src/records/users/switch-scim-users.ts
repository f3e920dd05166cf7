import type { EntityManager } from 'typeorm';
import type { IdentityState } from '../../plan/person.js';
import { readStoredUser } from '../../plan/scim-entry.js';
import { execute, placeholders } from '../../platform/sql.js';

const KEYS_PER_STATEMENT = 500;

/**
 * Brings the index of SCIM directories to what is so of identities that were switched on or off, by whatever said it:
 * lists and filters ask the index. Nothing to do for those who are in no directory, or of whom SCIM says neither.
 */
export async function switchScimUsers(tx: EntityManager, switched: readonly IdentityState[]): Promise<void> {
  const entries = switched.flatMap((identity) => {
    const stored = readStoredUser(identity);
    const active = stored?.resource.active;
    return stored && typeof active === 'boolean' ? [{ id: identity.id, active, modifiedAt: stored.modifiedAt }] : [];
  });
  entries.sort((a, b) => (a.id < b.id ? -1 : 1));
  // Mostly one moment and one way for all of a batch.
  for (const some of Map.groupBy(entries, ({ active, modifiedAt }) => `${active} ${modifiedAt}`).values()) {
    for (let start = 0; start < some.length; start += KEYS_PER_STATEMENT) {
      const chunk = some.slice(start, start + KEYS_PER_STATEMENT);
      const { active, modifiedAt } = chunk[0] as (typeof some)[number];
      const sql = `UPDATE scim_users SET active = ?, modifiedAt = ? WHERE identityId IN ${placeholders(chunk.length)}`;
      await execute(tx, sql, [active ? 1 : 0, modifiedAt, ...chunk.map(({ id }) => id)]);
    }
  }
}
