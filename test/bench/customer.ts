import { LedgerPulse } from '../../src/ledger/ledger-pulse.js';
import { LedgerService } from '../../src/ledger/ledger.service.js';
import { Clock } from '../../src/platform/clock.js';
import type { Database } from '../../src/platform/database.js';
import { newId } from '../../src/platform/ids.js';
import type { Permission } from '../../src/platform/permissions.js';
import { ApiKeyEntity } from '../../src/records/api-keys/api-key.entity.js';
import { createKey } from '../../src/records/api-keys/key-format.js';
import { RoleEntity } from '../../src/records/roles/role.entity.js';
import { createTenant } from '../../src/records/tenants/create-tenant.js';
import { seedFullConnection } from '../support/seed-customer.js';

/** A tenant with one connection, and a key that may push to it and edit it. */
export interface Customer {
  tenantId: string;
  connectionId: string;
  issuer: string;
  key: string;
}

const PERMISSIONS: Permission[] = [
  'users:sync',
  'connections:read',
  'connections:write',
  'sync-runs:read',
  'scim:read',
  'scim:write',
];

/** `idpUrl`: where the key set of all issuers is served. */
export async function createCustomer(database: Database, idpUrl: string): Promise<Customer> {
  const clock = new Clock();
  const ledger = new LedgerService(clock, new LedgerPulse());
  const slug = `bench-${newId().slice(-12)}`;
  const now = clock.now();
  const making = { actor: { type: 'system', id: 'bench' }, via: 'system', now, ledger } as const;
  const tenantId = await database.transaction(async (tx) => {
    const tenant = await createTenant(tx, { slug, name: slug }, making);
    for (const key of ['viewer', 'editor', 'approver']) {
      await tx.insert(RoleEntity, {
        id: newId(),
        tenantId: tenant.id,
        key,
        name: key,
        description: '',
        permissions: [`reports:${key}`],
        markedPrivileged: false,
        builtIn: false,
        version: 1,
        createdAt: now,
        updatedAt: now,
      });
    }
    return tenant.id;
  });
  const issuer = `${idpUrl}/${slug}`;
  const connectionId = await seedFullConnection({ database }, tenantId, {
    issuer,
    jwksUri: `${idpUrl}/keys`,
    allowedRoles: ['viewer', 'editor', 'approver'],
  });
  return { tenantId, connectionId, issuer, key: await issueKey(database, tenantId, connectionId, now) };
}

async function issueKey(database: Database, tenantId: string, connectionId: string, now: number): Promise<string> {
  const { key, keyId, secretHash } = createKey();
  await database.transaction((tx) =>
    tx.insert(ApiKeyEntity, {
      id: newId(),
      tenantId,
      keyId,
      secretHash,
      name: 'bench',
      scopes: PERMISSIONS,
      connectionId,
      expiresAt: null,
      revokedAt: null,
      lastUsedAt: null,
      operatorOf: null,
      createdBy: newId(),
      createdAt: now,
    }),
  );
  return key;
}
