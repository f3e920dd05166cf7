import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Clock, formatTime, MINUTE } from '../../src/platform/clock.js';
import { permissions } from '../../src/platform/permissions.js';
import { ExpirySweep } from '../../src/records/users/expiry-sweep.service.js';
import type { UserPage, UserView } from '../../src/records/users/user-view.dto.js';
import type { HttpClient } from '../support/http-client.js';
import { seedConnection } from '../support/seed-connection.js';
import { seedPersons, seedTenantWithRoles, type SeedPerson } from '../support/seed-persons.js';
import { startApp, type TestApp } from '../support/start-app.js';
import { eventsOf } from '../support/stored.js';

const EVERYTHING = Object.keys(permissions);
const MANAGER = ['users:read', 'users:write', 'roles:grant'];
const MANY = Array.from({ length: 20 }, (_, place) => `role-${place}`);

describe('roles, entitlements and blocks by hand', () => {
  let rollcall: TestApp;
  let tenantId: string;
  let okta: string;
  let owner: HttpClient;
  let manager: HttpClient;

  beforeAll(async () => {
    rollcall = await startApp();
    const own = Object.fromEntries(MANY.map((key) => [key, [`${key}:use`]]));
    tenantId = await seedTenantWithRoles(rollcall, 'acme', {
      viewer: ['reports:read'],
      editor: ['reports:write'],
      ...own,
    });
    okta = await seedConnection(rollcall, tenantId, 'okta');
    owner = await rollcall.clientWith(tenantId, EVERYTHING);
    manager = await rollcall.clientWith(tenantId, MANAGER);
    await seedPersons(rollcall, tenantId, [{ userName: 'the-owner', roles: ['owner'] }]);
  });
  afterAll(() => rollcall.stop());

  const seed = async (one: SeedPerson): Promise<string> => {
    const [id] = await seedPersons(rollcall, tenantId, [one]);
    return id ?? '';
  };
  const see = async (id: string): Promise<UserView> => (await owner.get<UserView>(`/users/${id}`)).body;

  it('grants a role beside what a connection gave, shows who gave each and why, and takes back only its own', async () => {
    const id = await seed({ userName: 'ada', given: ['editor'], identities: [{ connectionId: okta }] });
    const until = formatTime(rollcall.app.get(Clock).now() + MINUTE);
    const granted = await manager.put<UserView>(`/users/${id}/roles/editor`, { reason: 'cover for Bob', until });
    expect(granted.status).toBe(200);
    expect(granted.headers.get('etag')).toBe('"2"');
    expect(granted.body.roles).toEqual([
      {
        key: 'editor',
        effective: true,
        grants: [
          {
            source: { connection: okta, rule: 'eng', mappingVersion: 1, because: 'groups has engineering' },
            since: expect.any(String),
            until: null,
            counts: true,
          },
          {
            source: { admin: expect.any(String), reason: 'cover for Bob' },
            since: expect.any(String),
            until,
            counts: true,
          },
        ],
      },
    ]);
    const revoked = await manager.delete<UserView>(`/users/${id}/roles/editor?reason=back`);
    expect(revoked.body.roles[0]?.grants).toHaveLength(1);
    const again = await manager.delete(`/users/${id}/roles/editor`);
    expect(again).toMatchObject({ status: 409, body: { code: 'owned_by_connection', connection: okta, rule: 'eng' } });
    expect((await manager.delete(`/users/${id}/roles/viewer`)).status).toBe(404);
    const events = await eventsOf(rollcall, id);
    expect(events.map(({ type, reason, subjectVersion }) => [type, reason, subjectVersion])).toEqual([
      ['user.created', null, 1],
      ['user.roles_changed', 'cover for Bob', 2],
      ['user.roles_changed', 'back', 3],
    ]);
    expect(events[1]?.personal).toMatchObject({ granted: [{ kind: 'role', key: 'editor', because: 'cover for Bob' }] });
  });

  it('writes nothing for a grant that stands already, and tells of one whose end moves', async () => {
    const id = await seed({ userName: 'bob' });
    for (let i = 0; i < 2; i++) await manager.put(`/users/${id}/roles/viewer`, { reason: 'r' });
    expect((await see(id)).version).toBe(2);
    const until = formatTime(rollcall.app.get(Clock).now() + MINUTE);
    const moved = await manager.put<UserView>(`/users/${id}/roles/viewer`, { reason: 'r', until });
    expect(moved.body).toMatchObject({ version: 3, roles: [{ grants: [{ until }] }] });
    expect(await eventsOf(rollcall, id)).toHaveLength(3);
  });

  it('lets another admin take over a grant: there is one by hand of a role', async () => {
    const id = await seed({ userName: 'cat' });
    await manager.put(`/users/${id}/roles/viewer`, { reason: 'mine' });
    const taken = await owner.put<UserView>(`/users/${id}/roles/viewer`, { reason: 'ours' });
    expect(taken.body.roles[0]?.grants).toMatchObject([{ source: { reason: 'ours' } }]);
  });

  it('blocks a role whoever grants it, until the block is lifted', async () => {
    const id = await seed({ userName: 'dan', given: ['editor'], identities: [{ connectionId: okta }] });
    const blocked = await manager.put<UserView>(`/users/${id}/blocks/roles/editor`, { reason: 'audit' });
    expect(blocked.body).toMatchObject({
      roles: [{ key: 'editor', effective: false, grants: [{ counts: true }] }],
      blocks: [{ role: 'editor', reason: 'audit', until: null }],
    });
    const lifted = await manager.delete<UserView>(`/users/${id}/blocks/roles/editor`);
    expect(lifted.body).toMatchObject({ roles: [{ effective: true }], blocks: [], version: 3 });
    expect((await manager.delete(`/users/${id}/blocks/roles/editor`)).status).toBe(404);
  });

  it.each(['report:42', 'a/b?c=d#e', 'Größe 100%', 'x'.repeat(255), '\u{1F600}'.repeat(127)])(
    'gives, blocks and takes back the entitlement %j',
    async (text) => {
      const id = await seed({ userName: 'eli' });
      const path = encodeURIComponent(text);
      const given = await manager.put<UserView>(`/users/${id}/entitlements/${path}`, {});
      expect(given.body.entitlements).toMatchObject([{ key: text, effective: true }]);
      const blocked = await manager.put<UserView>(`/users/${id}/blocks/entitlements/${path}`);
      expect(blocked.body).toMatchObject({ entitlements: [{ effective: false }], blocks: [{ entitlement: text }] });
      expect((await manager.delete(`/users/${id}/blocks/entitlements/${path}`)).status).toBe(200);
      const gone = await manager.delete<UserView>(`/users/${id}/entitlements/${path}`);
      expect(gone.body).toMatchObject({ entitlements: [], blocks: [], version: 5 });
    },
  );

  it.each([
    ['roles/nothing', {}, 404],
    ['roles/Viewer', {}, 404],
    ['roles/viewer%20', {}, 400],
    [`entitlements/${'x'.repeat(256)}`, {}, 400],
    ['entitlements/a%00b', {}, 400],
    ['roles/viewer', { until: 'tomorrow' }, 400],
    ['roles/viewer', { until: '2020-01-01T00:00:00Z' }, 400],
    ['roles/viewer', { until: 5 }, 400],
    ['roles/viewer', { reason: 'x'.repeat(10_000) }, 400],
    ['roles/viewer', { reason: 'a\0' }, 400],
    ['roles/viewer', { tenantId: 'x' }, 400],
    ['roles/viewer', [], 400],
  ])('refuses %s with %j', async (path, body, status) => {
    const id = await seed({ userName: 'fay' });
    expect((await manager.put(`/users/${id}/${path}`, body)).status).toBe(status);
    expect((await see(id)).version).toBe(1);
  });

  it('lets nobody grant, take back or unblock a role above their own, nor block who stands above', async () => {
    const id = await seed({ userName: 'gus' });
    const boss = await seed({ userName: 'boss', roles: ['admin'] });
    await owner.put(`/users/${id}/blocks/roles/admin`);
    const granted = await manager.put(`/users/${id}/roles/admin`);
    expect(granted).toMatchObject({ status: 403, body: { code: 'may_not_grant' } });
    expect(granted.body.permissions).toContain('connections:write');
    expect((await manager.delete(`/users/${boss}/roles/admin`)).status).toBe(403);
    expect((await manager.delete(`/users/${id}/blocks/roles/admin`)).status).toBe(403);
    const blocked = await manager.put(`/users/${boss}/blocks/roles/viewer`);
    expect(blocked).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect((await owner.put(`/users/${id}/roles/owner`)).status).toBe(200);
  });

  it('loses none of 20 grants of one user at once', async () => {
    const id = await seed({ userName: 'hal' });
    const answers = await Promise.all(MANY.map((key) => manager.put(`/users/${id}/roles/${key}`)));
    expect(answers.map(({ status }) => status)).toEqual(MANY.map(() => 200));
    const user = await see(id);
    expect(user.roles.map(({ key }) => key).sort()).toEqual([...MANY].sort());
    expect(user.version).toBe(21);
    const versions = (await eventsOf(rollcall, id)).map(({ subjectVersion }) => subjectVersion);
    expect(versions).toEqual(Array.from({ length: 21 }, (_, place) => place + 1));
  });

  it('keeps both a suspension and the grants that came at the same time', async () => {
    const id = await seed({ userName: 'ida', identities: [{ subject: 'ida' }] });
    const answers = await Promise.all([
      ...MANY.slice(0, 5).map((key) => manager.put(`/users/${id}/roles/${key}`)),
      manager.post(`/users/${id}/suspend`),
      ...MANY.slice(5, 10).map((key) => manager.put(`/users/${id}/roles/${key}`)),
    ]);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const user = await see(id);
    expect(user).toMatchObject({ suspended: true, version: 12 });
    expect(user.roles).toHaveLength(10);
  });

  it('lets one of two win who change the same version', async () => {
    const id = await seed({ userName: 'jo' });
    const both = await Promise.all(
      ['viewer', 'editor'].map((key) => manager.put(`/users/${id}/roles/${key}`, {}, { 'if-match': '"1"' })),
    );
    expect(both.map(({ status }) => status).sort()).toEqual([200, 412]);
  });

  it('ends a grant at its time, and sweeps it away with an event', async () => {
    const past = rollcall.app.get(Clock).now() - 1;
    const word = { kind: 'role', adminId: 'a', reason: null, since: 1, until: past } as const;
    const seeds = Array.from({ length: 450 }, (_, place): SeedPerson => {
      return { userName: `tmp-${place}`, roles: ['viewer'], grants: [{ ...word, source: 'admin', key: 'editor' }] };
    });
    const [id = ''] = await seedPersons(rollcall, tenantId, seeds);
    const blockedId = await seed({ userName: 'kim', roles: ['editor'], blocks: [{ ...word, key: 'editor' }] });
    expect((await see(id)).roles).toMatchObject([{ key: 'editor', effective: false }, { effective: true }]);
    expect((await see(blockedId)).roles).toMatchObject([{ effective: true }]);
    const [swept, other] = await Promise.all([
      rollcall.app.get(ExpirySweep).sweep(),
      rollcall.app.get(ExpirySweep).sweep(),
    ]);
    const rest = await rollcall.app.get(ExpirySweep).sweep();
    expect((swept ?? 0) + (other ?? 0) + rest).toBe(451);
    const user = await see(id);
    expect(user).toMatchObject({ version: 2, roles: [{ key: 'viewer' }] });
    const last = (await eventsOf(rollcall, id)).at(-1);
    expect(last).toMatchObject({ type: 'user.role_expired', actorType: 'system', subjectVersion: 2 });
    expect((await eventsOf(rollcall, blockedId)).at(-1)).toMatchObject({ type: 'user.block_expired' });
    const { body } = await owner.get<UserPage>('/users?q=tmp-449&role=viewer');
    expect(body.items).toMatchObject([{ version: 2 }]);
  });
});
