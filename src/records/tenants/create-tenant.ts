import type { EntityManager } from 'typeorm';
import type { LedgerService } from '../../ledger/ledger.service.js';
import type { Micros } from '../../platform/clock.js';
import { newId } from '../../platform/ids.js';
import { type BuiltInRole, builtInRoles, operatorRole } from '../../platform/permissions.js';
import { ApplicationEntity } from '../applications/application.entity.js';
import { RoleEntity } from '../roles/role.entity.js';
import { type By, inBothLedgers, tenantEvent } from './tenant-events.js';
import { PLATFORM_SLUG, TenantEntity } from './tenant.entity.js';

export interface TenantOrder {
  slug: string;
  name: string;
}

/** How a tenant is made: by whom, when, and whose ledger hears of it besides its own. */
export interface TenantMaking extends By {
  now: Micros;
  ledger: LedgerService;
}

/**
 * A tenant with its built-in roles and its default application (audience: the slug), inside the caller's transaction.
 * A taken slug throws the driver's duplicate error at once (`duplicateOf`).
 */
export async function createTenant(tx: EntityManager, order: TenantOrder, making: TenantMaking): Promise<TenantEntity> {
  const { now, ledger, actor, via } = making;
  const times = { createdAt: now, updatedAt: now };
  const tenant: TenantEntity = { id: newId(), ...order, status: 'active', version: 1, ...times };
  await tx.insert(TenantEntity, tenant);
  const roles = rolesOf(order.slug).map((role) => ({
    id: newId(),
    tenantId: tenant.id,
    key: role.key,
    name: role.name,
    description: role.description,
    permissions: [...role.permissions],
    markedPrivileged: false,
    builtIn: true,
    version: 1,
    ...times,
  }));
  await tx.insert(RoleEntity, roles);
  await tx.insert(ApplicationEntity, {
    id: newId(),
    tenantId: tenant.id,
    name: order.name,
    audience: order.slug,
    origins: [],
    roles: null,
    isDefault: true,
    version: 1,
    ...times,
  });
  const platform = await tx.findOneBy(TenantEntity, { slug: PLATFORM_SLUG });
  const by = { actor, via };
  const more = { fields: ['slug', 'name'] };
  const events =
    platform === null || platform.id === tenant.id
      ? [tenantEvent('tenant.created', tenant, tenant.id, by, more)]
      : inBothLedgers('tenant.created', tenant, platform.id, by, more);
  await ledger.record(tx, events);
  return tenant;
}

function rolesOf(slug: string): readonly BuiltInRole[] {
  if (slug !== PLATFORM_SLUG) return builtInRoles;
  return [operatorRole, ...builtInRoles.filter((role) => role.key === 'auditor')];
}
