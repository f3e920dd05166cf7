import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { FirstStartService } from '../../src/records/local-admins/first-start.service.js';
import { TenantEntity } from '../../src/records/tenants/tenant.entity.js';
import { IdentityEntity } from '../../src/records/users/identity.entity.js';
import { UserEntity } from '../../src/records/users/user.entity.js';
import { countOrphans } from '../support/directory-of.js';
import type { HttpClient } from '../support/http-client.js';
import { type LoopbackIdp, startLoopbackIdp } from '../support/loopback-idp.js';
import { seedCustomer, seedFullConnection } from '../support/seed-customer.js';
import { startApp, type TestApp } from '../support/start-app.js';

interface SyncAnswer extends Record<string, unknown> {
  counts: Record<string, number>;
  results: { result: string; problem?: { code: string } }[];
}

describe('pushes and logins while their connection goes', () => {
  let rollcall: TestApp;
  let idp: LoopbackIdp;
  let tenantId: string;
  let connection: string;
  let admin: HttpClient;
  beforeAll(async () => {
    [rollcall, idp] = await Promise.all([startApp({ LOGIN_RATE_PER_MINUTE: '100000' }), startLoopbackIdp()]);
  });
  afterAll(async () => {
    await rollcall.stop();
    await idp.stop();
  });
  beforeEach(async () => {
    tenantId = await seedCustomer(rollcall);
    connection = await seedFullConnection(rollcall, tenantId, idp.trust);
    admin = await rollcall.clientWith(tenantId, [
      'connections:read',
      'connections:write',
      'connections:trust',
      'users:sync',
    ]);
  });

  const record = (n: number) => ({ externalId: `s-${n}`, userName: `s-${n}@example.com`, roles: ['viewer'] });
  const push = (from: number) =>
    admin.post<SyncAnswer>('/users/sync', {
      users: Array.from({ length: 150 }, (_, n) => record(from + n)),
      connection,
    });
  const login = (n: number) =>
    rollcall.http.post('/auth/login', { token: idp.token({ sub: `l-${n}`, groups: ['engineering'] }), connection });

  /** Pushes and logins from many sides, until `end` is done. */
  async function storm(end: () => Promise<unknown>): Promise<{ status: number; code: unknown }[]> {
    let isOver = false;
    const seen: { status: number; code: unknown }[] = [];
    const sides = Array.from({ length: 6 }, async (_, side) => {
      for (let round = 0; !isOver; round++) {
        const at = side * 100_000 + round * 200;
        const { status, body } = side < 2 ? await push(at) : await login(at);
        seen.push({ status, code: body.code });
        if ('results' in body) {
          const codes = (body as SyncAnswer).results.flatMap(({ problem }) => problem?.code ?? []);
          for (const code of new Set(codes)) seen.push({ status, code });
        }
      }
    });
    while (seen.filter(({ status }) => status === 200).length < 12)
      await new Promise((resolve) => setImmediate(resolve));
    await end();
    isOver = true;
    await Promise.all(sides);
    return seen;
  }

  const unexpected = (seen: { status: number; code?: unknown }[], allowed: string[]) =>
    seen.filter(({ status, code }) => status >= 500 || (code !== undefined && !allowed.some((each) => each === code)));

  it('no identity, grant or session stays behind when it is deleted', async () => {
    const seen = await storm(async () => {
      const deleted = await admin.delete(`/connections/${connection}?force=true`);
      expect(deleted.status).toBe(204);
    });
    expect(unexpected(seen, ['conflict', 'not_found', 'login_refused'])).toEqual([]);
    expect(await rollcall.database.read.countBy(IdentityEntity, { connectionId: connection })).toBe(0);
    expect(await countOrphans(rollcall.database.read)).toBe(0);
    const sql = 'SELECT COUNT(*) AS n FROM sessions WHERE connectionId = ? AND endedAt IS NULL';
    const [row] = await rollcall.database.read.query<{ n: number }[]>(sql, [connection]);
    expect(Number(row?.n)).toBe(0);
  }, 30_000);

  it('whoever is written while it is switched off was written before, and is answered so', async () => {
    const seen = await storm(async () => {
      expect((await admin.post(`/connections/${connection}/disable`)).status).toBe(200);
    });
    expect(unexpected(seen, ['conflict', 'login_refused'])).toEqual([]);
    const people = await rollcall.database.read.countBy(IdentityEntity, { connectionId: connection });
    expect((await push(5_000_000)).status).toBe(409);
    expect(await rollcall.database.read.countBy(IdentityEntity, { connectionId: connection })).toBe(people);
    const sql = 'SELECT COUNT(*) AS n FROM sessions WHERE connectionId = ? AND endedAt IS NULL';
    const [row] = await rollcall.database.read.query<{ n: number }[]>(sql, [connection]);
    expect(Number(row?.n)).toBe(0);
  }, 30_000);

  it('nobody stays behind when the tenant is deleted', async () => {
    await rollcall.app.get(FirstStartService).createLink();
    const platform = await rollcall.database.read.findOneByOrFail(TenantEntity, { slug: 'platform' });
    const operator = await rollcall.clientWith(platform.id, ['tenants:read', 'tenants:write']);
    const seen = await storm(async () => {
      expect((await operator.delete(`/tenants/${tenantId}?force=true`)).status).toBe(204);
    });
    expect(
      unexpected(seen, ['conflict', 'not_found', 'login_refused', 'unauthenticated', 'tenant_not_active']),
    ).toEqual([]);
    expect(await rollcall.database.read.countBy(UserEntity, { tenantId })).toBe(0);
    expect(await rollcall.database.read.countBy(IdentityEntity, { tenantId })).toBe(0);
    expect(await countOrphans(rollcall.database.read)).toBe(0);
  }, 30_000);
});
