import type { HttpClient } from './http-client.js';
import type { TestApp } from './start-app.js';
import { seedCustomer } from './seed-customer.js';
import { type ScimWorld, seedScimConnection } from './scim-world.js';

/** A directory of a tenant that has the roles `viewer` and `editor`, which its connection may grant. */
export async function makeGroupWorld(rollcall: TestApp, settings: Record<string, unknown> = {}): Promise<ScimWorld> {
  const tenantId = await seedCustomer(rollcall);
  const connectionId = await seedScimConnection(rollcall, tenantId, `c-${tenantId}`, settings);
  const scim = await rollcall.clientWith(tenantId, ['scim:read', 'scim:write'], connectionId);
  return { tenantId, connectionId, scim };
}

/**
 * People `p-0`, `p-1` … of the world's connection, straight into its SCIM directory: thousands in a second. Returns
 * their ids, in that order.
 */
export async function seedScimPeople(
  rollcall: TestApp,
  world: ScimWorld,
  count: number,
  prefix = 'p',
): Promise<string[]> {
  const { tenantId, connectionId } = world;
  const sync: HttpClient = await rollcall.clientWith(tenantId, ['users:sync'], connectionId);
  const CHUNK = 5000;
  for (let start = 0; start < count; start += CHUNK) {
    const users = Array.from({ length: Math.min(CHUNK, count - start) }, (_, n) => ({
      externalId: `${prefix}-${start + n}`,
      userName: `${prefix}-${start + n}@example.com`,
    }));
    const answer = await sync.post<{ counts: { failed: number } }>('/users/sync', { users });
    if (answer.status !== 200 || answer.body.counts.failed > 0) throw new Error(JSON.stringify(answer.body));
  }
  const like = `${prefix}-%`;
  const rows: { id: string; externalId: string }[] = await rollcall.database.read.query(
    'SELECT id, externalId FROM identities WHERE connectionId = ? AND externalId LIKE ?',
    [connectionId, like],
  );
  await rollcall.database.transaction((tx) =>
    tx.query(
      `INSERT INTO scim_users (identityId, tenantId, connectionId, userNameKey, active, createdAt, modifiedAt)
       SELECT id, tenantId, connectionId, userNameKey, 1, createdAt, createdAt FROM identities
       WHERE connectionId = ? AND externalId LIKE ?`,
      [connectionId, like],
    ),
  );
  const placeOf = ({ externalId }: { externalId: string }) => Number(externalId.slice(prefix.length + 1));
  return rows.sort((a, b) => placeOf(a) - placeOf(b)).map(({ id }) => id);
}
