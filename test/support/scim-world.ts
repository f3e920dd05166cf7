import { type Answer, HttpClient } from './http-client.js';
import { seedFullConnection } from './seed-customer.js';
import { seedTenant } from './seed.js';
import type { TestApp } from './start-app.js';

export const USER_URN = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const ENTERPRISE_URN = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
export const PATCH_URN = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
export const ERROR_URN = 'urn:ietf:params:scim:api:messages:2.0:Error';

export interface ScimResourceBody {
  schemas: string[];
  id: string;
  userName: string;
  active: boolean;
  meta: { resourceType: string; created: string; lastModified: string; location: string; version: string };
  [attribute: string]: unknown;
}

/** A tenant with one connection as a SCIM directory, and a client that pushes to it. */
export interface ScimWorld {
  tenantId: string;
  connectionId: string;
  scim: HttpClient;
}

let count = 0;

export async function makeScimWorld(rollcall: TestApp, settings: Record<string, unknown> = {}): Promise<ScimWorld> {
  const slug = `scim-${++count}`;
  const tenantId = (await seedTenant(rollcall, slug)).id;
  const connectionId = await seedScimConnection(rollcall, tenantId, slug, settings);
  const scim = await rollcall.clientWith(tenantId, ['scim:read', 'scim:write'], connectionId);
  return { tenantId, connectionId, scim };
}

export function seedScimConnection(
  rollcall: TestApp,
  tenantId: string,
  name: string,
  settings: Record<string, unknown> = {},
): Promise<string> {
  return seedFullConnection(rollcall, tenantId, { name, issuer: `https://${name}.example.com`, ...settings });
}

export function userBody(userName: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { schemas: [USER_URN], userName, ...more };
}

/** What a user may hold, of every kind of attribute. */
export const FULL_USER = {
  externalId: 'u-1001',
  name: { givenName: 'Ada', familyName: 'Lovelace', formatted: 'Ada Lovelace' },
  displayName: 'Ada L.',
  title: 'Countess',
  emails: [
    { value: 'Ada@Example.com', type: 'work', primary: true },
    { value: 'ada@home.example', type: 'home' },
  ],
  phoneNumbers: [{ value: '+44 1', type: 'mobile' }],
  [ENTERPRISE_URN]: { department: 'Engines', manager: { value: 'm-1' } },
};

export function userPath({ id }: Pick<ScimResourceBody, 'id'>): string {
  return `/scim/v2/Users/${id}`;
}

/** The members of an error that tests look at. */
export function scimError(status: number, scimType?: string): Record<string, unknown> {
  return { schemas: [ERROR_URN], status: String(status), ...(scimType ? { scimType } : {}) };
}

/** Creates a user; fails the test if that is refused. */
export async function createUser(
  scim: HttpClient,
  userName: string,
  more: Record<string, unknown> = {},
): Promise<ScimResourceBody> {
  const answer: Answer<ScimResourceBody> = await scim.post('/scim/v2/Users', userBody(userName, more));
  if (answer.status !== 201) throw new Error(`POST /Users: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

export function patchOf(...operations: Record<string, unknown>[]): Record<string, unknown> {
  return { schemas: [PATCH_URN], Operations: operations };
}
