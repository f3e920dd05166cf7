import { LedgerService } from '../../src/ledger/ledger.service.js';
import { Clock, type Micros } from '../../src/platform/clock.js';
import { newId } from '../../src/platform/ids.js';
import { normaliseKey } from '../../src/platform/text-key.js';
import { ConnectionEntity } from '../../src/records/connections/connection.entity.js';
import type { SafetyCatch } from '../../src/plan/safety-catch.js';
import type { ConnectionSettings } from '../../src/records/connections/connection-settings.js';
import { createTenant } from '../../src/records/tenants/create-tenant.js';
import type { TenantEntity } from '../../src/records/tenants/tenant.entity.js';
import { ADMIN_SOURCE, GrantEntity } from '../../src/records/users/grant.entity.js';
import { IdentityEntity } from '../../src/records/users/identity.entity.js';
import { UserEntity } from '../../src/records/users/user.entity.js';
import type { TestApp } from './start-app.js';

/** Rows written straight into the database, for tests whose subject is something else. */

export function seedTenant(rollcall: TestApp, slug: string): Promise<TenantEntity> {
  const ledger = rollcall.app.get(LedgerService);
  const now = rollcall.app.get(Clock).now();
  return rollcall.database.transaction((tx) =>
    createTenant(tx, { slug, name: slug }, { actor: { type: 'system', id: 'test' }, via: 'system', now, ledger }),
  );
}

export async function seedUser(rollcall: TestApp, tenantId: string, userName: string): Promise<string> {
  const id = newId();
  const row = {
    id,
    tenantId,
    userName,
    userNameKey: normaliseKey(userName),
    displayName: null,
    displayNameKey: null,
    givenName: null,
    familyName: null,
    email: null,
    emailKey: null,
    emailVerified: false,
    attributes: {},
    suspended: false,
    version: 1,
    createdAt: 1,
    updatedAt: 1,
  };
  await rollcall.database.transaction((tx) => tx.insert(UserEntity, row));
  return id;
}

export interface SeededGrant {
  tenantId: string;
  userId: string;
  role: string;
  /** Through which identity; without it, an admin's. */
  identityId?: string;
  connectionId?: string;
  until?: Micros;
}

export async function seedGrants(rollcall: TestApp, grants: readonly SeededGrant[]): Promise<void> {
  const rows = grants.map((grant) => ({
    userId: grant.userId,
    kind: 'role' as const,
    heldKey: grant.role,
    sourceId: grant.identityId ?? ADMIN_SOURCE,
    rule: grant.identityId ? 'direct' : '',
    tenantId: grant.tenantId,
    connectionId: grant.connectionId ?? null,
    mappingVersion: grant.identityId ? 1 : 0,
    because: null,
    adminId: null,
    reason: null,
    since: 1,
    until: grant.until ?? null,
  }));
  await rollcall.database.transaction((tx) => tx.insert(GrantEntity, rows));
}

export async function seedIdentity(
  rollcall: TestApp,
  of: { tenantId: string; userId: string; connectionId: string; active?: boolean },
): Promise<string> {
  const id = newId();
  const row = {
    id,
    tenantId: of.tenantId,
    connectionId: of.connectionId,
    userId: of.userId,
    externalId: id,
    subject: null,
    userNameKey: null,
    active: of.active ?? true,
    facts: {},
    pushHash: null,
    mappingVersion: 1,
    revision: 1,
    lastLoginAt: null,
    notBefore: null,
    scope: null,
    leavingAt: null,
    createdAt: 1,
  };
  await rollcall.database.transaction((tx) => tx.insert(IdentityEntity, row));
  return id;
}

/** Tests have few people, and take much from them at once; those of the safety catch say what it shall be. */
export const NO_CATCH: SafetyCatch = { users: 1_000_000, percent: 100, graceHours: 0 };

/** A connection whose settings hold no more than these tests read. */
export async function seedConnection(
  rollcall: TestApp,
  tenantId: string,
  settings: Partial<ConnectionSettings> = {},
): Promise<string> {
  const id = newId();
  const row = {
    id,
    tenantId,
    name: id,
    nameKey: id,
    issuer: `https://${id}.example.com`,
    status: 'active' as const,
    settings: { mapping: {}, allowedRoles: [], safetyCatch: NO_CATCH, ...settings },
    mappingVersion: 1,
    version: 1,
    createdAt: 1,
    updatedAt: 1,
  };
  await rollcall.database.transaction((tx) => tx.insert(ConnectionEntity, row as never));
  return id;
}
