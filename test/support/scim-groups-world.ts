import { GroupRunsService } from '../../src/flows/scim/group-runs.service.js';
import type { Database } from '../../src/platform/database.js';
import { GrantEntity } from '../../src/records/users/grant.entity.js';
import { IdentityEntity } from '../../src/records/users/identity.entity.js';
import type { Answer, HttpClient } from './http-client.js';
import type { TestApp } from './start-app.js';
import { seedCustomer } from './seed-customer.js';
import { patchOf, type ScimWorld, seedScimConnection } from './scim-world.js';

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
  await insertScimRows(rollcall.database, connectionId, like);
  const placeOf = ({ externalId }: { externalId: string }) => Number(externalId.slice(prefix.length + 1));
  return rows.sort((a, b) => placeOf(a) - placeOf(b)).map(({ id }) => id);
}

/** Puts identities of a connection into its SCIM directory, by their externalId. */
export async function insertScimRows(database: Database, connectionId: string, like: string): Promise<void> {
  await database.transaction((tx) =>
    tx.query(
      `INSERT INTO scim_users (identityId, tenantId, connectionId, userNameKey, active, createdAt, modifiedAt)
       SELECT id, tenantId, connectionId, userNameKey, 1, createdAt, createdAt FROM identities
       WHERE connectionId = ? AND externalId LIKE ?`,
      [connectionId, like],
    ),
  );
}

export const GROUP_URN = 'urn:ietf:params:scim:schemas:core:2.0:Group';

export interface ScimGroup {
  schemas: string[];
  id: string;
  displayName: string;
  externalId?: string;
  members?: { value: string; $ref: string; type: string; display?: string }[];
  meta: { version: string; lastModified: string; created: string; location: string; resourceType: string };
}

export function groupBody(
  displayName: string,
  ids: readonly string[] = [],
  more: object = {},
): Record<string, unknown> {
  return { schemas: [GROUP_URN], displayName, members: ids.map((value) => ({ value })), ...more };
}

/** Creates a group; fails the test if that is refused. */
export async function createGroup(
  scim: HttpClient,
  displayName: string,
  ids: readonly string[] = [],
  more: object = {},
): Promise<ScimGroup> {
  const answer = await scim.post<ScimGroup>('/scim/v2/Groups', groupBody(displayName, ids, more));
  if (answer.status !== 201) throw new Error(`POST /Groups: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** What somebody's facts say of their groups. */
export async function groupFactOf({ database }: TestApp, identityId: string): Promise<unknown> {
  const { facts } = await database.read.findOneByOrFail(IdentityEntity, { id: identityId });
  return (facts as { push: { values: Record<string, unknown> } }).push.values.groups;
}

/** The roles that the connection gives, by identity. */
export async function rolesGiven({ database }: TestApp, connectionId: string): Promise<Record<string, string[]>> {
  const roles: Record<string, string[]> = {};
  for (const { sourceId, heldKey } of await database.read.findBy(GrantEntity, { connectionId })) {
    (roles[sourceId] ??= []).push(heldKey);
  }
  return roles;
}

/** Waits until every run over groups of the connection is through; answers them, the newest first. */
export async function finishGroupRuns(
  rollcall: TestApp,
  { tenantId, connectionId }: ScimWorld,
): Promise<Record<string, unknown>[]> {
  const admin = await rollcall.clientWith(tenantId, ['sync-runs:read']);
  for (;;) {
    const { body } = await admin.get<{ items: Record<string, unknown>[] }>(
      `/sync-runs?kind=groups&connection=${connectionId}`,
    );
    if (body.items.every(({ status }) => status !== 'running')) return body.items;
    await rollcall.app.get(GroupRunsService).workThrough();
  }
}

export const groupPath = (id: string) => `/scim/v2/Groups/${id}`;

export function patchGroup({ scim }: ScimWorld, id: string, ...operations: Record<string, unknown>[]) {
  return scim.patch<ScimGroup>(groupPath(id), patchOf(...operations));
}

/** Ids of the members, in order. */
export const membersOf = ({ body }: Answer<ScimGroup>) => (body.members ?? []).map(({ value }) => value).sort();

/** Members as a client names them. */
export const valuesOf = (...ids: string[]) => ids.map((value) => ({ value }));
