import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { permissions } from '../../src/platform/permissions.js';
import { SessionEntity } from '../../src/records/sessions/session.entity.js';
import type { HttpClient } from '../support/http-client.js';
import { type SeedPerson, seedPersons, seedTenantWithRoles } from '../support/seed-persons.js';
import { startApp, type TestApp } from '../support/start-app.js';
import { eventsOf, seedSession } from '../support/stored.js';

describe('erasing a person', () => {
  let rollcall: TestApp;
  let tenantId: string;
  let owner: HttpClient;
  let manager: HttpClient;
  beforeAll(async () => {
    rollcall = await startApp();
    tenantId = await seedTenantWithRoles(rollcall, 'acme');
    owner = await rollcall.clientWith(tenantId, Object.keys(permissions));
    manager = await rollcall.clientWith(tenantId, ['users:read', 'users:write']);
    await seedPersons(rollcall, tenantId, [{ userName: 'the-owner', roles: ['owner'] }]);
  });
  afterAll(() => rollcall.stop());

  /** A user with a session that tells where they were; ids of both. */
  const seed = async (person: SeedPerson) => {
    const [userId = ''] = await seedPersons(rollcall, tenantId, [person]);
    const id = await seedSession(rollcall, tenantId, userId);
    const from = { address: '198.51.100.7', userAgent: 'Browser of Ada' };
    await rollcall.database.transaction((tx) => tx.update(SessionEntity, { id }, from));
    return { userId, path: `/users/${userId}` };
  };
  const sessionsOf = async (userId: string) =>
    (await owner.get<{ items: unknown[] }>(`/sessions?user=${userId}`)).body.items;

  it.each(['at once', 'after the deletion'])('takes from their sessions where they were, %s', async (when) => {
    const { userId, path } = await seed({ userName: `ada ${when}` });
    if (when !== 'at once') expect((await owner.delete(path)).status).toBe(204);
    expect((await owner.delete(`${path}?erase=true&reason=asked`)).status).toBe(204);
    expect(await sessionsOf(userId)).toMatchObject([{ endReason: 'deleted', address: null, userAgent: null }]);
  });

  it('takes what the ledger tells of their sessions', async () => {
    const { userId, path } = await seed({ userName: 'eve' });
    const [session] = (await sessionsOf(userId)) as { id: string }[];
    expect((await owner.delete(`/sessions/${session?.id}`)).status).toBe(204);
    const told = async () => {
      const sql = 'SELECT personal FROM events WHERE personalOf = ?';
      const rows = await rollcall.database.read.query<{ personal: string | null }[]>(sql, [userId]);
      return rows.map(({ personal }) => personal !== null);
    };
    expect(await told()).toEqual([true]);
    expect((await owner.delete(`${path}?erase=true`)).status).toBe(204);
    expect(await told()).toEqual([false]);
  });

  it('leaves them where nobody asked for it', async () => {
    const { userId, path } = await seed({ userName: 'bob' });
    expect((await owner.delete(path)).status).toBe(204);
    expect(await sessionsOf(userId)).toMatchObject([{ address: '198.51.100.7', userAgent: 'Browser of Ada' }]);
  });

  it('of someone who is gone tells the ledger who did it and why', async () => {
    const { userId, path } = await seed({ userName: 'cat' });
    expect((await owner.delete(path)).status).toBe(204);
    expect((await manager.delete(`${path}?erase=true&reason=asked`)).status).toBe(204);
    const events = await eventsOf(rollcall, userId);
    expect(events.map(({ type, personal, reason }) => [type, personal, reason])).toEqual([
      ['user.created', null, null],
      ['user.deleted', null, null],
      ['user.erased', null, 'asked'],
    ]);
    expect(events.at(-1)?.actorType).toBe('api-key');
  });

  it('is for those alone who may do what the person might, though the person is gone', async () => {
    const { userId, path } = await seed({ userName: 'dan', roles: ['admin'] });
    expect((await owner.delete(path)).status).toBe(204);
    expect(await manager.delete(`${path}?erase=true`)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect((await eventsOf(rollcall, userId)).at(-1)).toMatchObject({ type: 'user.deleted', personal: {} });
    expect((await owner.delete(`${path}?erase=true`)).status).toBe(204);
  });
});
