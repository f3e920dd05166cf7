import { type Principal, systemOf } from '../../platform/access.js';
import type { Database } from '../../platform/database.js';
import { OPERATOR, OWNER } from '../../platform/permissions.js';
import { Problem } from '../../platform/problem.js';
import { normaliseKey } from '../../platform/text-key.js';
import { PLATFORM_SLUG, TenantEntity } from '../tenants/tenant.entity.js';
import type { LocalAdminsService } from './local-admins.service.js';
import { LocalPasswordEntity } from './local-password.entity.js';

/** What `rollcall admin …` works on: the database, and the service on top of it. */
export interface AdminCommandParts {
  database: Database;
  admins: LocalAdminsService;
}

export interface AdminName {
  /** The tenant's slug. */
  tenant: string;
  userName: string;
}

/**
 * Makes a local admin (in tenant `platform` an operator, else an owner) and returns the one-time link by which they
 * set their password. Throws `not_found` for an unknown tenant, `name_taken`.
 */
export async function createAdmin(
  parts: AdminCommandParts,
  name: AdminName & { displayName?: string },
): Promise<string> {
  const tenant = await getTenant(parts.database, name.tenant);
  const roles = [tenant.slug === PLATFORM_SLUG ? OPERATOR : OWNER];
  const body = { userName: name.userName, roles, ...(name.displayName ? { displayName: name.displayName } : {}) };
  const made = await parts.admins.invite(asSystem(tenant.id), body, 'cli');
  return made.link;
}

/** Returns the one-time link by which a local admin sets a new password. Throws `not_found`. */
export async function resetAdmin(parts: AdminCommandParts, name: AdminName): Promise<string> {
  const tenant = await getTenant(parts.database, name.tenant);
  const found = await parts.database.read.findOneBy(LocalPasswordEntity, {
    tenantId: tenant.id,
    userNameKey: normaliseKey(name.userName),
  });
  if (!found) throw new Problem('not_found', `Tenant ${name.tenant} has no local admin ${name.userName}.`);
  const reset = await parts.admins.reset(asSystem(tenant.id), found.userId, 'cli');
  return reset.link;
}

async function getTenant(database: Database, slug: string): Promise<TenantEntity> {
  const tenant = await database.read.findOneBy(TenantEntity, { slug });
  if (!tenant) throw new Problem('not_found', `There is no tenant ${slug}.`);
  return tenant;
}

/** Whoever can run commands beside the database needs no permission of it. */
function asSystem(tenantId: string): Principal {
  return { ...systemOf(tenantId), id: 'cli' };
}
