import { EventEntity } from '../../src/ledger/event.entity.js';
import { IdentityEntity } from '../../src/records/users/identity.entity.js';
import type { HttpClient } from './http-client.js';
import { seedCustomer, seedFullConnection } from './seed-customer.js';
import { sendStream, type StreamAnswer, toLines } from './send-stream.js';
import type { TestApp } from './start-app.js';

/** A record of somebody by a number. */
export const person = (n: number | string, more: object = {}) => ({
  externalId: `s-${n}`,
  userName: `s-${n}@x.example`,
  roles: ['viewer'],
  ...more,
});

export const people = (count: number, more: object = {}) => Array.from({ length: count }, (_, n) => person(n, more));

/** A customer with a connection under the usual safety catch, and who sends its snapshots. */
export class SnapshotWorld {
  private constructor(
    private readonly rollcall: TestApp,
    readonly tenantId: string,
    readonly connectionId: string,
    readonly key: HttpClient,
  ) {}

  static async build(rollcall: TestApp, graceHours = 0): Promise<SnapshotWorld> {
    const tenantId = await seedCustomer(rollcall);
    const safetyCatch = { users: 3, percent: 10, graceHours };
    const connectionId = await seedFullConnection(rollcall, tenantId, { safetyCatch });
    const key = await rollcall.clientWith(tenantId, ['users:sync', 'sync-runs:read', 'users:read'], connectionId);
    return new SnapshotWorld(rollcall, tenantId, connectionId, key);
  }

  send(records: readonly object[], query = ''): Promise<StreamAnswer> {
    return sendStream(this.key, toLines(records), `?mode=snapshot${query}`);
  }

  /** External ids of those who are switched off, in order. */
  inactive(): Promise<(string | null)[]> {
    return this.findIds(({ active }) => !active);
  }

  leaving(): Promise<(string | null)[]> {
    return this.findIds(({ leavingAt }) => leavingAt !== null);
  }

  /** What the ledger tells of a run's people. */
  async eventsOf(runId: string): Promise<string[]> {
    const { tenantId } = this;
    const events = await this.rollcall.database.read.findBy(EventEntity, { tenantId, runId, subjectType: 'user' });
    return events.map(({ type, via }) => `${type} ${via}`);
  }

  /** Of the newest run, or of this one. */
  async untilRun(status: string, id?: string): Promise<void> {
    while ((await this.statusOf(id)) !== status) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  private async statusOf(id?: string): Promise<string | undefined> {
    if (id !== undefined) return (await this.key.get<{ status: string }>(`/sync-runs/${id}`)).body.status;
    return (await this.key.get<{ items: { status: string }[] }>('/sync-runs?limit=1')).body.items[0]?.status;
  }

  private async findIds(which: (identity: IdentityEntity) => boolean): Promise<(string | null)[]> {
    const { connectionId } = this;
    const identities = await this.rollcall.database.read.findBy(IdentityEntity, { connectionId });
    return identities
      .filter(which)
      .map(({ externalId }) => externalId)
      .sort();
  }
}
