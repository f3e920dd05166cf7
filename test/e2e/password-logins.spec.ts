import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { LoginDirectory } from '../../src/flows/login/login-directory.js';
import { permissions } from '../../src/platform/permissions.js';
import { createAdmin, resetAdmin } from '../../src/records/local-admins/admin-commands.js';
import { LocalAdminsService } from '../../src/records/local-admins/local-admins.service.js';
import { LocalPasswordEntity } from '../../src/records/local-admins/local-password.entity.js';
import { SessionEntity } from '../../src/records/sessions/session.entity.js';
import { seedTenant } from '../support/seed.js';
import { startApp, type TestApp } from '../support/start-app.js';

const PASSWORD = 'correct horse battery';

describe('logins with a password', () => {
  let rollcall: TestApp;
  beforeAll(async () => {
    rollcall = await startApp();
  });
  afterAll(() => rollcall.stop());
  afterEach(() => {
    jest.restoreAllMocks();
  });

  const parts = () => ({ database: rollcall.database, admins: rollcall.app.get(LocalAdminsService) });
  const redeem = async (link: string, password: string) => {
    const answer = await rollcall.http.post('/setup', { token: link.split('#token=')[1], password });
    expect(answer.status).toBe(201);
  };
  const logIn = (tenant: string, password: string) =>
    rollcall.http.post('/auth/login', { tenant, userName: 'ada', password });

  const makeAdmin = async (slug: string) => {
    const tenant = await seedTenant(rollcall, slug);
    await redeem(await createAdmin(parts(), { tenant: slug, userName: 'ada' }), PASSWORD);
    const { userId } = await rollcall.database.read.findOneByOrFail(LocalPasswordEntity, { tenantId: tenant.id });
    return { tenantId: tenant.id, userId };
  };

  /** Does this once the password of the next login was found right, and before its session is opened. */
  const beforeSession = (act: () => Promise<unknown>) => {
    const directory = rollcall.app.get(LoginDirectory);
    const find = directory.findApplication.bind(directory);
    jest.spyOn(directory, 'findApplication').mockImplementationOnce(async (...named) => {
      await act();
      return find(...named);
    });
  };

  it('open no session where the password was reset while it was compared', async () => {
    const { userId } = await makeAdmin('stolen');
    const link = await resetAdmin(parts(), { tenant: 'stolen', userName: 'ada' });
    beforeSession(() => redeem(link, 'another horse battery'));
    expect(await logIn('stolen', PASSWORD)).toMatchObject({ status: 401, body: { code: 'login_refused' } });
    expect(await rollcall.database.read.countBy(SessionEntity, { userId })).toBe(0);
    expect((await logIn('stolen', 'another horse battery')).status).toBe(200);
  });

  it('open no session where the user was suspended or deleted while it was compared', async () => {
    const { tenantId, userId } = await makeAdmin('leaving');
    const other = await createAdmin(parts(), { tenant: 'leaving', userName: 'bob' });
    await redeem(other, PASSWORD);
    const owner = (await rollcall.http.post('/auth/login', { tenant: 'leaving', userName: 'bob', password: PASSWORD }))
      .body.access_token as string;
    const admin = rollcall.http.as(owner);
    beforeSession(() => admin.post(`/users/${userId}/suspend`, { reason: 'gone' }));
    expect((await logIn('leaving', PASSWORD)).status).toBe(401);
    expect((await admin.post(`/users/${userId}/unsuspend`, {})).status).toBe(200);
    beforeSession(() => admin.delete(`/users/${userId}`));
    expect((await logIn('leaving', PASSWORD)).status).toBe(401);
    expect(await rollcall.database.read.countBy(SessionEntity, { userId, tenantId })).toBe(0);
  });

  it('name the tenant by its slug or by its id', async () => {
    const { tenantId } = await makeAdmin('named');
    expect((await logIn('named', PASSWORD)).body).toMatchObject({ user: { tenant: tenantId } });
    expect((await logIn(tenantId, PASSWORD)).body).toMatchObject({ user: { tenant: tenantId } });
    expect((await logIn(tenantId, `${PASSWORD}!`)).status).toBe(401);
  });

  describe('of somebody who was given another user name', () => {
    const logInAs = async (tenant: string, userName: string) =>
      (await rollcall.http.post('/auth/login', { tenant, userName, password: PASSWORD })).status;

    it('are with that one, and no longer with the old', async () => {
      const { tenantId, userId } = await makeAdmin('married');
      const admin = await rollcall.clientWith(tenantId, Object.keys(permissions));
      expect((await admin.patch(`/users/${userId}`, { userName: 'Lovelace' })).status).toBe(200);
      expect(await logInAs('married', 'ada')).toBe(401);
      expect(await logInAs('married', 'lovelace')).toBe(200);
      // Who has no name keeps the one that they log in with, and lists show it.
      expect((await admin.patch(`/users/${userId}`, { userName: null })).status).toBe(200);
      expect(await logInAs('married', 'lovelace')).toBe(200);
      const [listed] = (await admin.get<{ items: { userName: string }[] }>('/local-admins')).body.items;
      expect(listed?.userName).toBe('lovelace');
    });

    it('never become those of another local admin', async () => {
      const { tenantId, userId } = await makeAdmin('twins');
      await createAdmin(parts(), { tenant: 'twins', userName: 'bob' });
      const admin = await rollcall.clientWith(tenantId, Object.keys(permissions));
      const refused = await admin.patch(`/users/${userId}`, { userName: 'BOB' });
      expect(refused).toMatchObject({ status: 409, body: { code: 'name_taken' } });
      expect((await admin.get(`/users/${userId}`)).body).toMatchObject({ userName: 'ada' });
      expect(await logInAs('twins', 'ada')).toBe(200);
    });
  });
});
