import { Clock } from '../../src/platform/clock.js';
import { newId } from '../../src/platform/ids.js';
import { RoleEntity } from '../../src/records/roles/role.entity.js';
import { SessionEntity } from '../../src/records/sessions/session.entity.js';
import { TenantEntity } from '../../src/records/tenants/tenant.entity.js';
import { GrantEntity } from '../../src/records/users/grant.entity.js';
import { IdentityEntity } from '../../src/records/users/identity.entity.js';
import { UserEntity } from '../../src/records/users/user.entity.js';
import type { TestApp } from './start-app.js';

/** A tenant with roles, written straight into the database: `plain` ones, and some with permissions. */
export async function createTenant(
  rollcall: TestApp,
  plain: readonly string[],
  withPermissions: Readonly<Record<string, string[]>> = {},
): Promise<string> {
  const id = newId();
  const now = rollcall.app.get(Clock).now();
  const roles = [...plain.map((key): [string, string[]] => [key, []]), ...Object.entries(withPermissions)];
  await rollcall.database.transaction(async (tx) => {
    const stamps = { version: 1, createdAt: now, updatedAt: now };
    await tx.insert(TenantEntity, { id, slug: id, name: id, status: 'active', ...stamps });
    for (const [key, permissions] of roles) {
      const marks = { description: '', markedPrivileged: false, builtIn: false };
      await tx.insert(RoleEntity, { id: newId(), tenantId: id, key, name: key, permissions, ...marks, ...stamps });
    }
  });
  return id;
}

/** A running session of a connection; returns its id. */
export async function insertSession(rollcall: TestApp, tenantId: string, connectionId: string): Promise<string> {
  const id = newId();
  const now = rollcall.app.get(Clock).now();
  await rollcall.database.transaction((tx) =>
    tx.insert(SessionEntity, {
      id,
      tenantId,
      userId: newId(),
      connectionId,
      identityId: newId(),
      applicationId: newId(),
      privileged: false,
      authTime: now,
      amr: [],
      address: null,
      userAgent: null,
      createdAt: now,
      lastUsedAt: now,
      expiresAt: now + 1e9,
      endedAt: null,
      endReason: null,
      refreshHash: newId(),
      refreshUntil: 0,
      tokenMark: null,
    }),
  );
  return id;
}

export async function sessionOf(rollcall: TestApp, id: string): Promise<SessionEntity> {
  return rollcall.database.read.findOneByOrFail(SessionEntity, { id });
}

/** As many people of a connection, each with one role from it and one from an admin. Returns the users' ids. */
export async function insertPeople(
  rollcall: TestApp,
  tenantId: string,
  connectionId: string,
  count: number,
): Promise<string[]> {
  const now = rollcall.app.get(Clock).now();
  const ids = Array.from({ length: count }, () => newId());
  const persons = ids.map((id) => ({ id, identityId: newId() }));
  await rollcall.database.transaction(async (tx) => {
    const stamps = { version: 1, createdAt: now, updatedAt: now };
    for (let start = 0; start < count; start += 200) {
      const some = persons.slice(start, start + 200);
      await tx.insert(
        UserEntity,
        some.map(({ id }) => ({ id, tenantId, emailVerified: false, attributes: {}, suspended: false, ...stamps })),
      );
      await tx.insert(
        IdentityEntity,
        some.map(({ id, identityId }) => ({
          id: identityId,
          tenantId,
          connectionId,
          userId: id,
          externalId: id,
          active: true,
          facts: {},
          mappingVersion: 1,
          revision: 1,
          createdAt: now,
        })),
      );
      await tx.insert(
        GrantEntity,
        some.flatMap(({ id, identityId }) => {
          const grant = {
            userId: id,
            kind: 'role' as const,
            heldKey: 'viewer',
            tenantId,
            mappingVersion: 1,
            since: now,
          };
          return [
            { ...grant, sourceId: identityId, rule: 'all', connectionId },
            { ...grant, sourceId: 'admin', rule: '', adminId: tenantId },
          ];
        }),
      );
    }
  });
  return ids;
}
