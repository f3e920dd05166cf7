import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/platform/ids.js';
import { permissions } from '../../src/platform/permissions.js';
import { ScimMemberEntity } from '../../src/records/groups/group.entity.js';
import { ScimUserEntity } from '../../src/records/users/scim-user.entity.js';
import type { SplitView, UserView } from '../../src/records/users/user-view.dto.js';
import type { HttpClient } from '../support/http-client.js';
import { seedConnection } from '../support/seed-connection.js';
import { seedPersons, seedTenantWithRoles, type SeedPerson } from '../support/seed-persons.js';
import { startApp, type TestApp } from '../support/start-app.js';
import { endReasonOf, eventsOf, seedSession } from '../support/stored.js';

const EVERYTHING = Object.keys(permissions);

describe('merging users and splitting identities off', () => {
  let rollcall: TestApp;
  let tenantId: string;
  let okta: string;
  let entra: string;
  let owner: HttpClient;
  let linker: HttpClient;

  beforeAll(async () => {
    rollcall = await startApp();
    tenantId = await seedTenantWithRoles(rollcall, 'acme');
    okta = await seedConnection(rollcall, tenantId, 'okta');
    entra = await seedConnection(rollcall, tenantId, 'entra');
    owner = await rollcall.clientWith(tenantId, EVERYTHING);
    linker = await rollcall.clientWith(tenantId, ['users:read', 'identities:link']);
    await seedPersons(rollcall, tenantId, [{ userName: 'the-owner', roles: ['owner'] }]);
  });
  afterAll(() => rollcall.stop());

  const seed = async (one: SeedPerson): Promise<string> => {
    const [id] = await seedPersons(rollcall, tenantId, [one]);
    return id ?? '';
  };
  const fromOkta = (subject: string): SeedPerson => {
    const push = { at: 1000, values: { userName: `${subject}@okta`, displayName: subject } };
    const facts = { push, token: null };
    return {
      userName: `${subject}@okta`,
      displayName: subject,
      given: ['editor'],
      identities: [{ connectionId: okta, subject, externalId: subject, facts }],
    };
  };

  it('moves identities, grants and blocks, ends the sessions of both, and names both in the events', async () => {
    const block = { kind: 'role', key: 'admin', adminId: newId(), reason: 'no', since: 1, until: null } as const;
    const id = await seed({ ...fromOkta('ada'), roles: ['viewer'] });
    const from = await seed({
      userName: 'ada@entra',
      roles: ['auditor'],
      given: ['viewer'],
      identities: [{ connectionId: entra, subject: 'ada-e' }],
      blocks: [block],
    });
    const sessions = [await seedSession(rollcall, tenantId, id), await seedSession(rollcall, tenantId, from)];
    const merged = await owner.post<UserView>(`/users/${id}/merge`, { from, reason: 'same person' });
    expect(merged.status).toBe(200);
    expect(merged.body).toMatchObject({ id, userName: 'ada@okta', version: 2, blocks: [{ role: 'admin' }] });
    expect(merged.body.identities.map(({ connection }) => connection).sort()).toEqual([okta, entra].sort());
    expect(merged.body.roles.map(({ key, grants }) => [key, grants.length])).toEqual([
      ['auditor', 1],
      ['editor', 1],
      ['viewer', 2],
    ]);
    expect((await owner.get<UserView>(`/users/${id}`)).body).toEqual(merged.body);
    expect((await owner.get(`/users/${from}`)).status).toBe(404);
    for (const session of sessions) expect(await endReasonOf(rollcall, session)).toBe('merged');
    expect((await eventsOf(rollcall, id)).at(-1)).toMatchObject({
      type: 'user.merged',
      reason: 'same person',
      subjectVersion: 2,
      personal: { from },
    });
    expect((await eventsOf(rollcall, from)).at(-1)).toMatchObject({ type: 'user.deleted', personal: { into: id } });
  });

  it('refuses a merge that would give, to either person, what the caller does not hold', async () => {
    const id = await seed(fromOkta('bob'));
    const boss = await seed({ userName: 'boss', roles: ['admin'], identities: [{ connectionId: entra }] });
    for (const [a, b] of [
      [id, boss],
      [boss, id],
    ]) {
      const refused = await linker.post(`/users/${a}/merge`, { from: b });
      expect(refused).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
    expect((await owner.get(`/users/${boss}`)).body.version).toBe(1);
  });

  it('merges the last owner into another user, who is the owner then', async () => {
    const lonely = await seedTenantWithRoles(rollcall, 'lonely');
    const root = await rollcall.clientWith(lonely, EVERYTHING);
    const [a, b] = await seedPersons(rollcall, lonely, [{ userName: 'a', roles: ['owner'] }, { userName: 'b' }]);
    const merged = await root.post<UserView>(`/users/${b}/merge`, { from: a });
    expect(merged).toMatchObject({ status: 200, body: { roles: [{ key: 'owner', effective: true }] } });
    expect((await root.delete(`/users/${b}`)).body).toMatchObject({ code: 'last_owner' });
  });

  it.each([
    ['itself', 'SELF', 400],
    ['nobody', newId(), 404],
    ['a user of another tenant', 'FOREIGN', 404],
    ['no id', 'x', 400],
    ['no text', 5, 400],
  ])('refuses to merge a user with %s', async (_, from, status) => {
    const id = await seed({ userName: 'cat' });
    const other = await seedTenantWithRoles(rollcall, `t${newId()}`);
    const [foreign] = await seedPersons(rollcall, other, [{ userName: 'dan' }]);
    const body = { from: from === 'SELF' ? id : from === 'FOREIGN' ? foreign : from };
    expect((await owner.post(`/users/${id}/merge`, body)).status).toBe(status);
  });

  it('merges once when asked twice at once, both ways round', async () => {
    const [a, b] = [await seed(fromOkta('eve')), await seed({ userName: 'eve2' })];
    const both = await Promise.all([
      owner.post(`/users/${a}/merge`, { from: b }),
      owner.post(`/users/${b}/merge`, { from: a }),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 404]);
  });

  it('splits an identity off with what came by it; what admins granted stays', async () => {
    const id = await seed({ ...fromOkta('fay'), roles: ['viewer'] });
    const from = await seed({
      userName: 'gus',
      given: ['viewer'],
      identities: [
        {
          connectionId: entra,
          subject: 'gus',
          userNameKey: 'gus',
          facts: { push: { at: 1, values: { userName: 'gus' } }, token: null },
        },
      ],
    });
    const merged = await owner.post<UserView>(`/users/${id}/merge`, { from });
    const identity = merged.body.identities.find(({ connection }) => connection === entra)?.id;
    const session = await seedSession(rollcall, tenantId, id, identity);
    const other = await seedSession(rollcall, tenantId, id);
    const answer = await owner.post<SplitView>(`/users/${id}/identities/${identity}/split`, { reason: 'not her' });
    expect(answer.status).toBe(200);
    const { user, newUser } = answer.body;
    expect(user).toMatchObject({ id, userName: 'fay@okta', version: 3, identities: [{ connection: okta }] });
    expect(user.roles.map(({ key, grants }) => [key, grants.length])).toEqual([
      ['editor', 1],
      ['viewer', 1],
    ]);
    expect(newUser).toMatchObject({ userName: 'gus', version: 1, identities: [{ id: identity, subject: 'gus' }] });
    expect(newUser.roles).toMatchObject([{ key: 'viewer', grants: [{ source: { connection: entra } }] }]);
    expect((await owner.get(`/users/${newUser.id}`)).body).toEqual(newUser);
    expect(await endReasonOf(rollcall, session)).toBe('ended_by_admin');
    expect(await endReasonOf(rollcall, other)).toBeNull();
    expect((await eventsOf(rollcall, id)).at(-1)).toMatchObject({
      type: 'user.identity_split',
      reason: 'not her',
      personal: { to: newUser.id },
    });
    expect(await eventsOf(rollcall, newUser.id)).toMatchObject([{ type: 'user.created', personal: { from: id } }]);
  });

  it('splits neither the only identity nor one that is not the user’s', async () => {
    const id = await seed(fromOkta('hal'));
    const [own] = (await owner.get<UserView>(`/users/${id}`)).body.identities;
    expect((await owner.post(`/users/${id}/identities/${own?.id}/split`)).status).toBe(409);
    const other = await seed(fromOkta('ida'));
    expect((await owner.post(`/users/${other}/identities/${own?.id}/split`)).status).toBe(404);
    expect((await owner.post(`/users/${id}/identities/x/split`)).status).toBe(404);
  });

  it('leaves an identity in its directory and in its groups, whosever it becomes', async () => {
    const id = await seed(fromOkta('zoe'));
    const from = await seed({
      userName: 'zoe@entra',
      identities: [{ connectionId: entra, subject: 'zoe-e', externalId: 'zoe-e' }],
    });
    const [identity] = (await owner.get<UserView>(`/users/${from}`)).body.identities;
    const identityId = identity?.id ?? '';
    const times = { createdAt: 1, modifiedAt: 1 };
    const place = { tenantId, connectionId: entra };
    await rollcall.database.transaction(async (tx) => {
      const names = { externalId: 'zoe-e', userNameKey: 'zoe@entra', displayNameKey: null };
      await tx.insert(ScimUserEntity, { identityId, ...place, ...names, active: true, ...times });
      const membership = { known: true, display: null, addedAt: 1 };
      await tx.insert(ScimMemberEntity, { groupId: newId(), memberId: identityId, ...place, ...membership });
    });
    const isListed = async (): Promise<boolean[]> => {
      const { read } = rollcall.database;
      return [
        await read.existsBy(ScimUserEntity, { identityId }),
        await read.existsBy(ScimMemberEntity, { memberId: identityId }),
      ];
    };
    await owner.post(`/users/${id}/merge`, { from });
    expect(await isListed()).toEqual([true, true]);
    const split = await owner.post<SplitView>(`/users/${id}/identities/${identityId}/split`);
    expect(split.status).toBe(200);
    expect(await isListed()).toEqual([true, true]);
    await owner.delete(`/users/${split.body.newUser.id}`);
    expect(await isListed()).toEqual([false, false]);
  });
});
