import { seedFullConnection } from './seed-customer.js';
import type { TestApp } from './start-app.js';

/** A connection that states names and addresses and gives no roles; answers its id. */
export function seedConnection(rollcall: TestApp, tenantId: string, name: string): Promise<string> {
  const mapping = { userName: 'claims.preferred_username', email: 'claims.email' };
  return seedFullConnection(rollcall, tenantId, { name, issuer: `https://${name}.example.com`, mapping });
}
