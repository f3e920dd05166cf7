import { permissions } from '../../src/platform/permissions.js';
import { seedTenant } from '../support/seed.js';
import type { TestApp } from '../support/start-app.js';
import type { HttpClient } from '../support/http-client.js';
import type { Target } from './suite.js';

/** An empty directory: a tenant with one connection of this preset, and a key for its SCIM client, made as admins do. */
export async function createDirectory(rollcall: TestApp, preset: string): Promise<Target> {
  const tenant = await seedTenant(rollcall, preset);
  const owner = await rollcall.clientWith(tenant.id, Object.keys(permissions));
  const connection = await create(owner, '/connections', {
    name: preset,
    preset,
    issuer: `https://${preset}.example.com`,
    audiences: ['rollcall'],
  });
  const { key } = await create(owner, '/api-keys', {
    name: 'SCIM',
    scopes: ['scim:read', 'scim:write'],
    connection: connection.id,
  });
  return { baseUrl: `${rollcall.url}/scim/v2`, token: String(key) };
}

async function create(owner: HttpClient, path: string, body: object): Promise<Record<string, unknown>> {
  const answer = await owner.post(path, body);
  if (answer.status !== 201) throw new Error(`POST ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}
