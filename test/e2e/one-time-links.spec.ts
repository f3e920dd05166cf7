import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/platform/ids.js';
import { permissions } from '../../src/platform/permissions.js';
import { resetAdmin } from '../../src/records/local-admins/admin-commands.js';
import { LocalAdminsService } from '../../src/records/local-admins/local-admins.service.js';
import type { HttpClient } from '../support/http-client.js';
import { seedTenantWithRoles } from '../support/seed-persons.js';
import { startApp, type TestApp } from '../support/start-app.js';

const PASSWORD = 'correct horse battery';

describe('a link to set a password', () => {
  let rollcall: TestApp;
  beforeAll(async () => {
    rollcall = await startApp();
  });
  afterAll(() => rollcall.stop());

  const redeem = (link: unknown) =>
    rollcall.http.post('/setup', { token: String(link).split('#token=')[1], password: PASSWORD });

  /** A tenant, its owner, and a local admin with little to say, whose invitation is open. */
  const invite = async (slug: string) => {
    const tenantId = await seedTenantWithRoles(rollcall, slug);
    const owner: HttpClient = await rollcall.clientWith(tenantId, Object.keys(permissions));
    const invited = await owner.post('/local-admins', { userName: 'ada', roles: ['auditor'] });
    expect(invited.status).toBe(201);
    return { tenantId, owner, userId: String(invited.body.userId), link: invited.body.link };
  };

  it('is over when its user was given more since', async () => {
    const { owner, userId, link } = await invite('promoted');
    const reset = await owner.post(`/local-admins/${userId}/reset`);
    expect(reset.status).toBe(201);
    expect((await redeem(link)).status).toBe(410);
    expect((await owner.put(`/users/${userId}/roles/owner`, { reason: 'promoted' })).status).toBe(200);
    expect(await redeem(reset.body.link)).toMatchObject({ status: 410, body: { code: 'link_invalid' } });
    expect((await owner.get('/local-admins')).body).toMatchObject({ items: [{ userId, passwordSet: false }] });
    const anew = await owner.post(`/local-admins/${userId}/reset`);
    expect((await redeem(anew.body.link)).status).toBe(201);
  });

  it('stays where its user was given nothing of Rollcall’s own, and where the host of the service made it', async () => {
    const { owner, userId, link } = await invite('kept');
    expect((await owner.put(`/users/${userId}/roles/viewer`, { reason: 'reads' })).status).toBe(200);
    expect((await redeem(link)).status).toBe(201);
    const parts = { database: rollcall.database, admins: rollcall.app.get(LocalAdminsService) };
    const byHost = await resetAdmin(parts, { tenant: 'kept', userName: 'ada' });
    expect((await owner.put(`/users/${userId}/roles/owner`, { reason: 'promoted' })).status).toBe(200);
    expect((await redeem(byHost)).status).toBe(201);
  });

  it('is for no key that is bound to a connection to make', async () => {
    const { tenantId, userId } = await invite('bounds');
    const bound = await rollcall.clientWith(tenantId, Object.keys(permissions), newId());
    for (const answer of [
      await bound.post('/local-admins', { userName: 'eve', roles: ['auditor'] }),
      await bound.post(`/local-admins/${userId}/reset`),
    ]) {
      expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
  });

  it('is over when its user was merged with another', async () => {
    const { owner, userId, link } = await invite('merging');
    const other = await owner.post('/users', { userName: 'ada too' });
    expect((await owner.post(`/users/${userId}/merge`, { from: other.body.id })).status).toBe(200);
    expect((await redeem(link)).status).toBe(410);
  });
});
