import type { Database } from '../../src/platform/database.js';
import { newId } from '../../src/platform/ids.js';
import { TenantEntity } from '../../src/records/tenants/tenant.entity.js';

/** An active tenant with nothing in it: its ledger is empty, which one made through the API would not be. */
export async function insertTenant(database: Database, id = newId()): Promise<string> {
  await database.transaction((tx) =>
    tx.insert(TenantEntity, { id, slug: id, name: 'Test', status: 'active', version: 1, createdAt: 1, updatedAt: 1 }),
  );
  return id;
}
