import { ConnectionEntity } from '../../src/records/connections/connection.entity.js';
import { TenantEntity } from '../../src/records/tenants/tenant.entity.js';
import type { TestApp } from './start-app.js';

interface Place {
  tenantId: string;
  connectionId: string;
}

const raised = { version: () => 'version + 1' };

/** Switches a connection on or off, as an admin's save would leave its row. */
export async function openConnection({ database }: TestApp, { connectionId: id }: Place, isOpen: boolean) {
  const status = isOpen ? 'active' : 'disabled';
  await database.transaction((tx) => tx.update(ConnectionEntity, { id }, { status, ...raised }));
}

/** Suspends a tenant, or ends that. */
export async function openTenant({ database }: TestApp, { tenantId: id }: Place, isOpen: boolean) {
  const status = isOpen ? 'active' : 'suspended';
  await database.transaction((tx) => tx.update(TenantEntity, { id }, { status, ...raised }));
}
