import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { EventEntity } from '../../src/ledger/event.entity.js';
import { Clock, DAY, SECOND } from '../../src/platform/clock.js';
import { newId } from '../../src/platform/ids.js';
import { permissions } from '../../src/platform/permissions.js';
import { createAdmin, resetAdmin } from '../../src/records/local-admins/admin-commands.js';
import { LocalAdminsService } from '../../src/records/local-admins/local-admins.service.js';
import { LocalPasswordEntity } from '../../src/records/local-admins/local-password.entity.js';
import { PasswordCheck } from '../../src/records/local-admins/password-check.js';
import { SessionEntity } from '../../src/records/sessions/session.entity.js';
import { TenantEntity } from '../../src/records/tenants/tenant.entity.js';
import { GrantEntity } from '../../src/records/users/grant.entity.js';
import { UserEntity } from '../../src/records/users/user.entity.js';
import { startProcessorClock } from '../support/processor-time.js';
import { seedTenant } from '../support/seed.js';
import { startApp, type TestApp } from '../support/start-app.js';

const PASSWORD = 'correct horse battery';
/** Where attempts come from, where it does not matter. */
const HERE = '192.0.2.1';
const tokenOf = (link: string): string => link.split('#token=')[1] ?? '';

describe('local admins', () => {
  let rollcall: TestApp;
  let check: PasswordCheck;
  let clock: Clock;
  beforeAll(async () => {
    rollcall = await startApp({ PUBLIC_URL: 'https://id.example.com' });
    check = rollcall.app.get(PasswordCheck);
    clock = rollcall.app.get(Clock);
  });
  afterAll(() => rollcall.stop());

  /** A local admin of a tenant of their own, with a password. */
  const makeAdmin = async (slug: string, userName = 'ada') => {
    const tenant = await seedTenant(rollcall, slug);
    const parts = { database: rollcall.database, admins: rollcall.app.get(LocalAdminsService) };
    const link = await createAdmin(parts, { tenant: slug, userName });
    const used = await rollcall.http.post('/setup', { token: tokenOf(link), password: PASSWORD });
    expect(used.status).toBe(201);
    const row = await rollcall.database.read.findOneByOrFail(LocalPasswordEntity, { tenantId: tenant.id });
    return { tenantId: tenant.id, userId: row.userId };
  };

  describe('passwords', () => {
    it('let in who they are for, whatever the case of the name', async () => {
      const { tenantId, userId } = await makeAdmin('case', 'Ada@Example.com');
      expect(await check.verify('case', 'ada@example.COM', PASSWORD, HERE)).toMatchObject({
        ok: true,
        tenantId,
        userId,
      });
      expect(await check.verify('case', 'ada@example.com', `${PASSWORD} `, HERE)).toMatchObject({
        ok: false,
        reason: 'wrong_password',
        userId,
      });
    });

    it('of unknown names, tenants and accounts without one cost as much as wrong ones', async () => {
      await makeAdmin('known');
      // Of the processor's time: what else a machine does has no part in it.
      const cost = async (slug: string, userName: string): Promise<number> => {
        const costs: number[] = [];
        for (let round = 0; round < 3; round++) {
          const spentMs = startProcessorClock();
          expect((await check.verify(slug, userName, 'wrong', HERE)).ok).toBe(false);
          costs.push(spentMs());
        }
        return Math.min(...costs);
      };
      const wrong = await cost('known', 'ada');
      for (const [slug, name] of [
        ['known', 'nobody'],
        ['nowhere', 'ada'],
        ['known', '\u0000'],
      ] as const) {
        expect(await cost(slug, name)).toBeGreaterThan(wrong / 3);
      }
    });

    it('of suspended users and tenants do not let in', async () => {
      const { tenantId, userId } = await makeAdmin('off');
      await rollcall.database.transaction((tx) => tx.update(UserEntity, { id: userId }, { suspended: true }));
      expect(await check.verify('off', 'ada', PASSWORD, HERE)).toMatchObject({ ok: false, reason: 'suspended' });
      await rollcall.database.transaction((tx) => tx.update(TenantEntity, { id: tenantId }, { status: 'suspended' }));
      expect(await check.verify('off', 'ada', PASSWORD, HERE)).toMatchObject({
        ok: false,
        reason: 'tenant_not_active',
      });
    });

    it('are locked after five failures, and the wait grows', async () => {
      await makeAdmin('guessed');
      const start = clock.now();
      const now = jest.spyOn(clock, 'now').mockReturnValue(start);
      const reasons = async (count: number, password: string) => {
        const verdicts = [];
        for (let each = 0; each < count; each++) verdicts.push(await check.verify('guessed', 'ada', password, HERE));
        return verdicts.map((verdict) => (verdict.ok ? 'ok' : verdict.reason));
      };
      expect(await reasons(6, 'wrong')).toEqual([...Array<string>(5).fill('wrong_password'), 'locked']);
      expect(await reasons(1, PASSWORD)).toEqual(['locked']);
      now.mockReturnValue(start + 16 * SECOND);
      expect(await reasons(2, 'wrong')).toEqual(['wrong_password', 'locked']);
      now.mockReturnValue(start + 40 * SECOND);
      expect(await reasons(1, PASSWORD)).toEqual(['locked']);
      now.mockReturnValue(start + 47 * SECOND);
      expect(await reasons(2, PASSWORD)).toEqual(['ok', 'ok']);
      now.mockRestore();
    });

    it('guessed from one network still let in whoever has the right one elsewhere', async () => {
      const { userId } = await makeAdmin('besieged');
      const reasons = new Set<string>();
      for (let each = 0; each < 20; each++) {
        const verdict = await check.verify('besieged', 'ada', 'wrong', `198.51.100.${each}`);
        reasons.add(verdict.ok ? 'ok' : verdict.reason);
      }
      expect(reasons).toEqual(new Set(['wrong_password', 'locked']));
      expect(await check.verify('besieged', 'ada', PASSWORD, '198.51.100.77')).toMatchObject({ reason: 'locked' });
      expect(await check.verify('besieged', 'ada', PASSWORD, '203.0.113.5')).toMatchObject({ ok: true, userId });
      expect(await check.verify('besieged', 'ada', PASSWORD, '198.51.100.77')).toMatchObject({ reason: 'locked' });
    });

    it('guessed twenty at once are still five guesses', async () => {
      await makeAdmin('storm');
      const verdicts = await Promise.all(Array.from({ length: 20 }, () => check.verify('storm', 'ada', 'wrong', HERE)));
      const reasons = verdicts.map((verdict) => (verdict.ok ? 'ok' : verdict.reason));
      expect(reasons.filter((reason) => reason === 'wrong_password')).toHaveLength(5);
      expect(reasons.filter((reason) => reason === 'locked')).toHaveLength(15);
    });
  });

  describe('invitations and resets', () => {
    const OWNER = [
      'local-admins:read',
      'local-admins:write',
      'users:read',
      'users:write',
      'roles:read',
      'roles:grant',
      'sessions:read',
      'sessions:end',
      'connections:read',
      'sync-runs:read',
    ];

    it('an invited admin sets a password by link, once, and holds the roles of the invitation', async () => {
      const { id } = await seedTenant(rollcall, 'inviting');
      const owner = await rollcall.clientWith(id, OWNER);
      const invited = await owner.post('/local-admins', {
        userName: 'bob',
        displayName: 'Bob',
        roles: ['user-manager'],
      });
      expect(invited).toMatchObject({ status: 201, body: { userName: 'bob', passwordSet: false } });
      expect(await check.verify('inviting', 'bob', '', HERE)).toMatchObject({ ok: false, reason: 'wrong_password' });
      const token = tokenOf(String(invited.body.link));
      expect((await rollcall.http.post('/setup/link', { token })).body).toEqual({
        purpose: 'reset-password',
        tenant: 'inviting',
        userName: 'bob',
      });
      expect(
        await rollcall.http.post('/setup', { token, password: PASSWORD, userName: 'bo', displayName: 'x' }),
      ).toMatchObject({
        status: 400,
        body: { faults: [{ pointer: '/userName' }, { pointer: '/displayName' }] },
      });
      expect((await rollcall.http.post('/setup', { token, password: PASSWORD })).status).toBe(201);
      expect((await rollcall.http.post('/setup', { token, password: PASSWORD })).status).toBe(410);
      const verdict = await check.verify('inviting', 'bob', PASSWORD, HERE);
      expect(verdict.ok).toBe(true);
      const grants = await rollcall.database.read.findBy(GrantEntity, { userId: verdict.userId ?? '' });
      expect(grants).toMatchObject([{ heldKey: 'user-manager', sourceId: 'admin', rule: '' }]);
      const list = await owner.get('/local-admins');
      expect(list.body).toMatchObject({ items: [{ userName: 'bob', passwordSet: true, lockedUntil: null }] });
      expect(JSON.stringify(list.body)).not.toContain('argon2');
    });

    it('a reset gives a link by which a new password is set, and the old one ends', async () => {
      const { tenantId, userId } = await makeAdmin('forgetful');
      const owner = await rollcall.clientWith(tenantId, Object.keys(permissions));
      const reset = await owner.post(`/local-admins/${userId}/reset`);
      expect(reset.status).toBe(201);
      const token = tokenOf(String(reset.body.link));
      const password = 'a wholly new password';
      expect((await rollcall.http.post('/setup', { token, password })).status).toBe(201);
      expect(await check.verify('forgetful', 'ada', password, HERE)).toMatchObject({ ok: true, userId });
      expect(await check.verify('forgetful', 'ada', PASSWORD, HERE)).toMatchObject({
        ok: false,
        reason: 'wrong_password',
      });
    });

    it('nobody invites, or resets, someone who holds more than they do', async () => {
      const { tenantId, userId } = await makeAdmin('ranks');
      const manager = await rollcall.clientWith(tenantId, OWNER);
      expect(await manager.post('/local-admins', { userName: 'x', roles: ['admin'] })).toMatchObject({
        status: 403,
        body: { code: 'may_not_grant' },
      });
      expect((await manager.post(`/local-admins/${userId}/reset`)).status).toBe(403);
      expect(
        await manager.post('/local-admins', { userName: 'x', roles: ['user-manager', 'nobody', 'no'] }),
      ).toMatchObject({
        status: 400,
        body: { faults: [{ pointer: '/roles/1' }, { pointer: '/roles/2' }] },
      });
      expect(await manager.post('/local-admins', { userName: 'ADA', roles: ['user-manager'] })).toMatchObject({
        status: 409,
        body: { code: 'name_taken' },
      });
      expect(await rollcall.database.read.countBy(UserEntity, { tenantId })).toBe(1);
    });

    it('a reset by the command line ends sessions and failures; the last link counts', async () => {
      const { tenantId, userId } = await makeAdmin('reset');
      const session = {
        id: newId(),
        tenantId,
        userId,
        connectionId: null,
        identityId: null,
        applicationId: newId(),
        privileged: true,
        authTime: 1,
        amr: ['pwd'],
        address: null,
        userAgent: null,
        createdAt: 1,
        lastUsedAt: 1,
        expiresAt: 9e15,
        endedAt: null,
        endReason: null,
        refreshHash: newId(),
        refreshUntil: 0,
        tokenMark: null,
      };
      await rollcall.database.transaction((tx) => tx.insert(SessionEntity, session));
      for (let each = 0; each < 6; each++) await check.verify('reset', 'ada', 'wrong', HERE);
      const parts = { database: rollcall.database, admins: rollcall.app.get(LocalAdminsService) };
      const old = await resetAdmin(parts, { tenant: 'reset', userName: 'Ada' });
      const link = await resetAdmin(parts, { tenant: 'reset', userName: 'Ada' });
      expect((await rollcall.http.post('/setup', { token: tokenOf(old), password: PASSWORD })).status).toBe(410);
      const next = 'another horse battery';
      expect((await rollcall.http.post('/setup', { token: tokenOf(link), password: next })).status).toBe(201);
      expect(await check.verify('reset', 'ada', PASSWORD, HERE)).toMatchObject({ ok: false, reason: 'wrong_password' });
      expect((await check.verify('reset', 'ada', next, HERE)).ok).toBe(true);
      const ended = await rollcall.database.read.findOneByOrFail(SessionEntity, { id: session.id });
      expect(ended.endReason).toBe('password_changed');
      const events = await rollcall.database.read.findBy(EventEntity, { tenantId, subjectId: userId });
      expect(events.filter((event) => event.via === 'cli')).toHaveLength(3);
      await expect(resetAdmin(parts, { tenant: 'reset', userName: 'nobody' })).rejects.toMatchObject({
        code: 'not_found',
      });
      await expect(createAdmin(parts, { tenant: 'nowhere', userName: 'x' })).rejects.toMatchObject({
        code: 'not_found',
      });
    });

    it('a link expires, and does not work in a suspended tenant', async () => {
      const { tenantId } = await makeAdmin('expiring');
      const parts = { database: rollcall.database, admins: rollcall.app.get(LocalAdminsService) };
      const link = await resetAdmin(parts, { tenant: 'expiring', userName: 'ada' });
      const body = { token: tokenOf(link), password: PASSWORD };
      const later = clock.now() + DAY;
      const now = jest.spyOn(clock, 'now').mockReturnValue(later);
      expect((await rollcall.http.post('/setup', body)).status).toBe(410);
      now.mockRestore();
      await rollcall.database.transaction((tx) => tx.update(TenantEntity, { id: tenantId }, { status: 'suspended' }));
      expect((await rollcall.http.post('/setup', body)).status).toBe(410);
      await rollcall.database.transaction((tx) => tx.update(TenantEntity, { id: tenantId }, { status: 'active' }));
      expect((await rollcall.http.post('/setup', body)).status).toBe(201);
    });

    it('a foreign tenant’s admin is not there, and no token is kept as it is', async () => {
      const { userId } = await makeAdmin('theirs');
      const foreign = await rollcall.clientWith((await seedTenant(rollcall, 'ours')).id, OWNER);
      expect((await foreign.post(`/local-admins/${userId}/reset`)).status).toBe(404);
      expect((await foreign.get('/local-admins')).body).toMatchObject({ items: [] });
      const invited = await foreign.post('/local-admins', { userName: 'x', roles: ['user-manager'] });
      const rows: unknown = await rollcall.database.read.query('SELECT * FROM one_time_links');
      expect(JSON.stringify(rows)).not.toContain(tokenOf(String(invited.body.link)));
    });
  });
});
