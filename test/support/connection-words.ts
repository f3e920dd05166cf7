import type { Answer, HttpClient } from './http-client.js';
import { createTenant } from './connection-rows.js';
import type { TestApp } from './start-app.js';

export const ALL_OF_CONNECTIONS = ['connections:read', 'connections:write', 'connections:trust', 'sync-runs:read'];
export const MINIMAL = { name: 'Acme Okta', issuer: 'https://acme.example.com', audiences: ['rollcall'] };

export interface SavedConnection {
  id: string;
  version: number;
  mappingVersion: number;
  replan: string | null;
  warnings: { pointer: string }[];
  [field: string]: unknown;
}

/** A tenant with the roles `viewer` and `editor`, and a privileged one, `admin`; and a client that may do all. */
export async function tenantWith(
  rollcall: TestApp,
  permissions: readonly string[] = ALL_OF_CONNECTIONS,
): Promise<{ tenantId: string; http: HttpClient }> {
  const tenantId = await createTenant(rollcall, ['viewer', 'editor'], { admin: ['users:write'] });
  return { tenantId, http: await rollcall.clientWith(tenantId, permissions) };
}

export async function createConnection(http: HttpClient, more: object = {}): Promise<SavedConnection> {
  const answer = await http.post<SavedConnection>('/connections', { ...MINIMAL, ...more });
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  return answer.body;
}

export const etag = (version: number) => ({ 'if-match': `"${version}"` });

export function pointersOf(answer: Answer): string[] {
  return ((answer.body.faults ?? []) as { pointer: string }[]).map((fault) => fault.pointer);
}
