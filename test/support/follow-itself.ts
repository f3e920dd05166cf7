import { Follow } from './follow.js';
import { seedCustomer, seedFullConnection } from './seed-customer.js';
import type { TestApp } from './start-app.js';

const PERMISSIONS = [
  'users:sync',
  'users:export',
  'users:read',
  'users:write',
  'identities:link',
  'roles:read',
  'roles:write',
  'roles:grant',
  'reports:read',
  'reports:write',
  'api-keys:write',
  'sync:read',
  'connections:read',
  'connections:write',
  'connections:trust',
  'sync-runs:read',
  'sync-runs:write',
  'events:read',
];

/** A Rollcall that follows itself: two tenants, which know nothing of each other. */
export async function followItself(
  rollcall: TestApp,
  safetyCatch = { users: 3, percent: 10, graceHours: 0 },
): Promise<Follow> {
  const side = async () => {
    const tenantId = await seedCustomer(rollcall);
    const connection = await seedFullConnection(rollcall, tenantId, { safetyCatch });
    return { http: await rollcall.clientWith(tenantId, PERMISSIONS), connection };
  };
  return new Follow(await side(), await side());
}
