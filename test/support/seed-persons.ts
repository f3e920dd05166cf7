import { diffPerson } from '../../src/plan/diff.js';
import type { AdminGrant, ConnectionGrant, IdentityState, Person, Profile } from '../../src/plan/person.js';
import { Clock } from '../../src/platform/clock.js';
import { newId } from '../../src/platform/ids.js';
import { normaliseKey } from '../../src/platform/text-key.js';
import { RoleEntity } from '../../src/records/roles/role.entity.js';
import { blankUser } from '../../src/records/users/edit-person.js';
import { PersonWriter } from '../../src/records/users/person-writer.js';
import { seedTenant } from './seed.js';
import type { TestApp } from './start-app.js';

/** A tenant with the built-in roles, and roles of its own. */
export async function seedTenantWithRoles(
  rollcall: TestApp,
  slug: string,
  roles: Record<string, string[]> = { viewer: ['reports:read'], editor: ['reports:read', 'reports:write'] },
): Promise<string> {
  const { id: tenantId, createdAt } = await seedTenant(rollcall, slug);
  const rows = Object.entries(roles).map(([key, permissions]) => ({
    id: newId(),
    tenantId,
    key,
    name: key,
    description: '',
    permissions,
    markedPrivileged: false,
    builtIn: false,
    version: 1,
    createdAt,
    updatedAt: createdAt,
  }));
  await rollcall.database.transaction((tx) => tx.insert(RoleEntity, rows));
  return tenantId;
}

export interface SeedPerson extends Partial<Profile> {
  id?: string;
  /** Role keys granted by an admin. */
  roles?: string[];
  /** Role keys granted through the first identity. */
  given?: string[];
  identities?: Partial<IdentityState>[];
  grants?: Person['grants'];
  blocks?: Person['blocks'];
  suspended?: boolean;
}

/** Writes persons as a flow would, with their events; answers their ids. */
export async function seedPersons(
  rollcall: TestApp,
  tenantId: string,
  seeds: readonly SeedPerson[],
): Promise<string[]> {
  const now = rollcall.app.get(Clock).now();
  const persons = seeds.map((seed) => toPerson(seed, tenantId, now));
  const changes = persons.flatMap((person) => diffPerson(null, person, now) ?? []);
  await rollcall.database.transaction((tx) =>
    rollcall.app.get(PersonWriter).write(tx, changes, {
      actor: { type: 'system', id: 'system' },
      via: 'system',
      revisions: new Map(),
    }),
  );
  return persons.map(({ user }) => user.id);
}

function toPerson(seed: SeedPerson, tenantId: string, now: number): Person {
  const { id, roles = [], given = [], identities = [], grants = [], blocks = [], ...profile } = seed;
  const own = identities.map((one, place) => toIdentity(one, profile.userName ?? null, now + place));
  const [first] = own;
  const byHand = roles.map((key): AdminGrant => {
    return { source: 'admin', kind: 'role', key, since: now, adminId: newId(), reason: null, until: null };
  });
  const byRule = given.map((key): ConnectionGrant => {
    return {
      source: 'connection',
      kind: 'role',
      key,
      since: now,
      identityId: first?.id ?? '',
      connectionId: first?.connectionId ?? '',
      rule: 'eng',
      mappingVersion: 1,
      because: 'groups has engineering',
    };
  });
  return {
    user: { ...blankUser(id ?? newId(), tenantId, now), ...profile },
    identities: own,
    grants: [...byHand, ...byRule, ...grants],
    blocks,
  };
}

function toIdentity(one: Partial<IdentityState>, userName: string | null, createdAt: number): IdentityState {
  return {
    id: newId(),
    connectionId: newId(),
    externalId: null,
    subject: null,
    userNameKey: userName === null ? null : normaliseKey(userName),
    active: true,
    facts: { push: null, token: null },
    mappingVersion: 1,
    lastLoginAt: null,
    notBefore: null,
    scope: null,
    leavingAt: null,
    createdAt,
    ...one,
  };
}
