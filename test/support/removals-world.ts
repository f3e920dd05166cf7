import type { SafetyCatch } from '../../src/plan/safety-catch.js';
import type { ConnectionSettings } from '../../src/records/connections/connection-settings.js';
import { IdentityEntity } from '../../src/records/users/identity.entity.js';
import type { HttpClient } from './http-client.js';
import { seedCustomer, seedFullConnection } from './seed-customer.js';
import type { TestApp } from './start-app.js';

export const CATCH: SafetyCatch = { users: 3, percent: 10, graceHours: 0 };

export interface ToldRun extends Record<string, unknown> {
  id: string;
  status: string;
  counts: Record<string, number>;
  error: string | null;
}

export interface ToldPlan extends Record<string, unknown> {
  status: string;
  removals: { deactivated: number; reduced: number; people: number; losses: object[]; states: Record<string, number> };
  items: { entry: number; externalId: string; deactivates: boolean; loses: string[]; state: string }[];
  cursor: string | null;
}

export interface PushAnswer extends Record<string, unknown> {
  run: string;
  counts: Record<string, number>;
  results: { externalId: string; result: string }[];
}

/** A customer whose connection has the safety catch of every new connection. */
export class RemovalsWorld {
  private constructor(
    readonly rollcall: TestApp,
    readonly tenantId: string,
    readonly connectionId: string,
    readonly admin: HttpClient,
  ) {}

  static async build(rollcall: TestApp, settings: Partial<ConnectionSettings> = {}): Promise<RemovalsWorld> {
    const tenantId = await seedCustomer(rollcall);
    const connectionId = await seedFullConnection(rollcall, tenantId, { safetyCatch: CATCH, ...settings });
    const may = ['users:sync', 'users:read', 'sync-runs:read', 'sync-runs:write', 'connections:read'];
    const more = ['connections:write', 'connections:trust', 'reports:read', 'reports:write', 'audit:read'];
    const admin = await rollcall.clientWith(tenantId, [...may, ...more]);
    return new RemovalsWorld(rollcall, tenantId, connectionId, admin);
  }

  push(users: readonly object[], more: object = {}) {
    return this.admin.post<PushAnswer>('/users/sync', { users, connection: this.connectionId, ...more });
  }

  run(id: unknown) {
    return this.admin.get<ToldRun>(`/sync-runs/${String(id)}`);
  }

  plan(id: unknown, query = '') {
    return this.admin.get<ToldPlan>(`/sync-runs/${String(id)}/plan${query}`);
  }

  decide(id: unknown, how: 'approve' | 'reject') {
    return this.admin.post<ToldRun>(`/sync-runs/${String(id)}/${how}`, undefined);
  }

  /** The run, once nothing works on it any more. */
  async ended(id: unknown): Promise<ToldRun> {
    for (;;) {
      const { body } = await this.run(id);
      if (body.status !== 'running') return body;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** The external ids of the people who are switched on, in order. */
  async active(): Promise<string[]> {
    const where = { connectionId: this.connectionId, active: true };
    const rows = await this.rollcall.database.read.findBy(IdentityEntity, where);
    return rows.map(({ externalId }) => externalId ?? '').sort();
  }
}

/** People `p-0`, `p-1` …, each an editor and a viewer. */
export function people(count: number, more: object = {}, from = 0): { externalId: string }[] {
  return Array.from({ length: count }, (_, n) => ({
    externalId: `p-${from + n}`,
    userName: `p-${from + n}@x.example`,
    roles: ['viewer', 'editor'],
    ...more,
  }));
}
