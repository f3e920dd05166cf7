import { newId } from '../../src/platform/ids.js';
import { normaliseKey } from '../../src/platform/text-key.js';
import { ConnectionEntity } from '../../src/records/connections/connection.entity.js';
import type { ConnectionSettings } from '../../src/records/connections/connection-settings.js';
import { RoleEntity } from '../../src/records/roles/role.entity.js';
import { NO_CATCH, seedTenant } from './seed.js';
import type { TestApp } from './start-app.js';

const stamp = () => ({ version: 1, createdAt: Date.now() * 1000, updatedAt: Date.now() * 1000 });

/** A tenant with the application's roles `viewer` and `editor` beside the built-in ones. Returns its id. */
export async function seedCustomer(rollcall: TestApp, slug = `t-${newId().slice(-12)}`): Promise<string> {
  const { id: tenantId } = await seedTenant(rollcall, slug);
  const roles = [
    { key: 'viewer', name: 'Viewer', description: '', permissions: ['reports:read'] },
    { key: 'editor', name: 'Editor', description: '', permissions: ['reports:write'] },
  ];
  await rollcall.database.transaction(async (tx) => {
    for (const role of roles) {
      await tx.insert(RoleEntity, {
        id: newId(),
        tenantId,
        markedPrivileged: false,
        builtIn: false,
        ...role,
        ...stamp(),
      });
    }
  });
  return tenantId;
}

const defaults: ConnectionSettings = {
  jwksUri: null,
  audiences: ['rollcall'],
  requiredClaims: {},
  authorizedParties: [],
  algorithms: ['RS256'],
  tokenTypes: ['JWT', 'at+jwt'],
  clockToleranceSeconds: 30,
  iatOffsetSeconds: 0,
  maxTokenAgeSeconds: 3600,
  maxLifetimeSeconds: 7200,
  oneTime: true,
  conditions: {},
  login: { enabled: true, createUsers: true, subject: 'claims.sub', match: [], maxSessionSeconds: 43_200 },
  authority: 'push-first',
  mapping: {
    userName: 'claims.preferred_username',
    email: 'claims.email',
    displayName: 'claims.name',
    groups: 'claims.groups',
    groupKey: 'displayName',
    roles: [{ id: 'eng', when: "'engineering' in claims.groups", grant: ['editor'] }],
    payloadClaim: null,
    strict: false,
    whenAbsent: 'keep',
    whenOverage: 'keep',
  },
  allowedRoles: ['viewer', 'editor'],
  allowedEntitlements: ['report:*'],
  allowPrivileged: false,
  authoritativeDomains: [],
  safetyCatch: NO_CATCH,
  emailVerified: 'claim',
  preset: 'rfc',
};

/** A connection as a save would leave it: the defaults, one rule, and what `over` says. */
export async function seedFullConnection(
  { database }: Pick<TestApp, 'database'>,
  tenantId: string,
  over: Partial<ConnectionSettings> & { issuer?: string; name?: string } = {},
): Promise<string> {
  const id = newId();
  const { issuer = `https://${id}.example.com`, name = `Connection ${id}`, ...settings } = over;
  await database.transaction((tx) =>
    tx.insert(ConnectionEntity, {
      id,
      tenantId,
      name,
      nameKey: normaliseKey(name),
      issuer,
      status: 'active',
      settings: { ...defaults, ...settings } as never,
      mappingVersion: 1,
      ...stamp(),
    }),
  );
  return id;
}
