import type { EntityManager } from 'typeorm';
import type { NewEvent } from '../../ledger/ledger.service.js';
import type { Principal } from '../../platform/access.js';
import { Problem } from '../../platform/problem.js';
import { PLATFORM_SLUG, TenantEntity } from './tenant.entity.js';

export type By = Pick<NewEvent, 'actor' | 'via'>;

/** An event of a tenant as one of `inTenantId`'s ledger: the tenant's own, or that of the operators. */
export function tenantEvent(
  type: string,
  tenant: Pick<TenantEntity, 'id' | 'version'>,
  inTenantId: string,
  by: By,
  more: Pick<NewEvent, 'fields' | 'reason'> = {},
): NewEvent {
  return {
    tenantId: inTenantId,
    type,
    subject: { type: 'tenant', id: tenant.id, version: tenant.version },
    ...by,
    ...more,
  };
}

/** The same event for both ledgers. */
export function inBothLedgers(
  type: string,
  tenant: Pick<TenantEntity, 'id' | 'version'>,
  platformId: string,
  by: By,
  more: Pick<NewEvent, 'fields' | 'reason'> = {},
): NewEvent[] {
  return [tenant.id, platformId].map((ledger) => tenantEvent(type, tenant, ledger, by, more));
}

/** Throws `forbidden` unless the principal is of tenant `platform`, whatever permissions it carries. */
export async function assertOperator(manager: EntityManager, principal: Principal): Promise<void> {
  const tenant = await manager.findOneBy(TenantEntity, { id: principal.tenantId });
  if (tenant?.slug !== PLATFORM_SLUG) throw new Problem('forbidden', 'This is for operators.');
}

/** A tenant of customers, for an operator. Throws `not_found`. */
export async function loadTenant(manager: EntityManager, id: string): Promise<TenantEntity> {
  const tenant = await manager.findOneBy(TenantEntity, { id });
  if (!tenant) throw new Problem('not_found');
  return tenant;
}

/** Writes a changed tenant over the version that was loaded, which is one less. Throws `version_conflict`. */
export async function writeTenant(tx: EntityManager, tenant: TenantEntity): Promise<void> {
  const { name, status, version, updatedAt } = tenant;
  const { affected } = await tx.update(
    TenantEntity,
    { id: tenant.id, version: version - 1 },
    { name, status, version, updatedAt },
  );
  if (affected !== 1) throw new Problem('version_conflict');
}

export function refusePlatform(tenant: TenantEntity): void {
  if (tenant.slug === PLATFORM_SLUG)
    throw new Problem('built_in', 'Tenant platform holds the operators: it stays as it is.');
}
