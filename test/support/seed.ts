import { newId } from '../../src/platform/ids.js';
import { builtInRoles } from '../../src/platform/permissions.js';
import { normaliseKey } from '../../src/platform/text-key.js';
import { ApplicationEntity } from '../../src/records/applications/application.entity.js';
import { ConnectionEntity } from '../../src/records/connections/connection.entity.js';
import type { ConnectionSettings } from '../../src/records/connections/connection-settings.js';
import { RoleEntity } from '../../src/records/roles/role.entity.js';
import { TenantEntity } from '../../src/records/tenants/tenant.entity.js';
import type { TestApp } from './start-app.js';

/** Rows written straight into the database, for tests of what stands on them. */

const stamp = () => ({ version: 1, createdAt: Date.now() * 1000, updatedAt: Date.now() * 1000 });

/** A tenant with the built-in roles, `viewer` and `editor`, and a default application. */
export async function seedTenant({ database }: TestApp, slug = `t-${newId().slice(-12)}`): Promise<string> {
  const tenantId = newId();
  await database.transaction(async (tx) => {
    await tx.insert(TenantEntity, { id: tenantId, slug, name: slug, status: 'active', ...stamp() });
    await tx.insert(ApplicationEntity, {
      id: newId(),
      tenantId,
      name: 'Default',
      audience: slug,
      origins: [],
      roles: null,
      isDefault: true,
      ...stamp(),
    });
    const roles = [
      ...builtInRoles.map((role) => ({ ...role, permissions: [...role.permissions], builtIn: true })),
      { key: 'viewer', name: 'Viewer', description: '', permissions: ['reports:read'], builtIn: false },
      { key: 'editor', name: 'Editor', description: '', permissions: ['reports:write'], builtIn: false },
    ];
    for (const role of roles) {
      await tx.insert(RoleEntity, { id: newId(), tenantId, markedPrivileged: false, ...role, ...stamp() });
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
  emailVerified: 'claim',
  preset: 'rfc',
};

/** A connection as a save would leave it. */
export async function seedConnection(
  { database }: TestApp,
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
