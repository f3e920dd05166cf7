import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { IdentityEntity } from '../../src/records/users/identity.entity.js';
import { seedGrants } from '../support/seed.js';
import { startLoopbackIdp } from '../support/loopback-idp.js';
import { createUser, patchOf, type ScimWorld } from '../support/scim-world.js';
import {
  createGroup,
  finishGroupRuns,
  groupBody,
  groupFactOf,
  makeGroupWorld,
  rolesGiven,
  type ScimGroup,
  seedScimPeople,
} from '../support/scim-groups-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

let rollcall: TestApp;
let world: ScimWorld;

beforeAll(async () => {
  rollcall = await startApp();
});
afterAll(() => rollcall.stop());
beforeEach(async () => {
  world = await makeGroupWorld(rollcall);
});

const rename = (id: string, displayName: string) =>
  world.scim.patch<ScimGroup>(
    `/scim/v2/Groups/${id}`,
    patchOf({ op: 'replace', path: 'displayName', value: displayName }),
  );
const add = (id: string, ...ids: string[]) =>
  world.scim.patch<ScimGroup>(
    `/scim/v2/Groups/${id}`,
    patchOf({ op: 'add', path: 'members', value: ids.map((value) => ({ value })) }),
  );
const remove = (id: string, memberId: string) =>
  world.scim.patch<ScimGroup>(
    `/scim/v2/Groups/${id}`,
    patchOf({ op: 'remove', path: `members[value eq "${memberId}"]` }),
  );
const roles = () => rolesGiven(rollcall, world.connectionId);

describe('roles follow groups', () => {
  it('SCIM 26 a member has what the rules give to the group when the change is answered, and loses it so', async () => {
    const [a = '', b = '', c = ''] = await seedScimPeople(rollcall, world, 3);
    const { id } = await createGroup(world.scim, 'engineering', [a, b]);
    expect(await roles()).toEqual({ [a]: ['editor'], [b]: ['editor'] });
    expect(await add(id, c)).toMatchObject({ status: 200 });
    expect(await remove(id, a)).toMatchObject({ status: 200 });
    expect(await roles()).toEqual({ [b]: ['editor'], [c]: ['editor'] });
    expect(await groupFactOf(rollcall, a)).toEqual([]);
    expect(await rename(id, 'sales')).toMatchObject({ status: 200 });
    expect(await roles()).toEqual({});
    expect(await groupFactOf(rollcall, b)).toEqual(['sales']);
    expect(await world.scim.delete(`/scim/v2/Groups/${id}`)).toMatchObject({ status: 204 });
    expect(await groupFactOf(rollcall, b)).toEqual([]);
  });

  it('of several groups that are changed at once for the same people, none is forgotten', async () => {
    const ids = await seedScimPeople(rollcall, world, 3);
    const groups = await Promise.all(Array.from({ length: 8 }, (_, n) => createGroup(world.scim, `g-${n}`)));
    const answers = await Promise.all(groups.map(({ id }) => add(id, ...ids)));
    expect(answers.map(({ status }) => status)).toEqual(groups.map(() => 200));
    for (const id of ids) expect(await groupFactOf(rollcall, id)).toEqual(groups.map((_, n) => `g-${n}`));
    const changes = await Promise.all([
      ...groups.slice(0, 4).map(({ id }) => rename(id, `renamed-${id}`)),
      ...groups.slice(4).flatMap(({ id }) => ids.map((member) => remove(id, member))),
    ]);
    expect(changes.map(({ status }) => status)).toEqual(changes.map(() => 200));
    await finishGroupRuns(rollcall, world);
    for (const id of ids) {
      expect(await groupFactOf(rollcall, id)).toEqual(
        groups
          .slice(0, 4)
          .map((group) => `renamed-${group.id}`)
          .sort(),
      );
    }
  });

  it('groupKey says by what the rules know a group, and changing it tells everybody anew', async () => {
    const [a = ''] = await seedScimPeople(rollcall, world, 1);
    await createGroup(world.scim, 'Ingenieure', [a], { externalId: 'engineering' });
    expect(await roles()).toEqual({});
    const admin = await rollcall.clientWith(world.tenantId, [
      'connections:read',
      'connections:write',
      'connections:trust',
      'reports:write',
      'reports:read',
    ]);
    const path = `/connections/${world.connectionId}`;
    const { body } = await admin.get(path);
    const saved = await admin.patch(path, { mapping: { groupKey: 'externalId' } }, { 'if-match': `"${body.version}"` });
    expect(saved).toMatchObject({ status: 200 });
    const [run] = await finishGroupRuns(rollcall, world);
    expect(run).toMatchObject({ kind: 'groups', counts: { changed: 1 } });
    expect(await groupFactOf(rollcall, a)).toEqual(['engineering']);
    expect(await roles()).toEqual({ [a]: ['editor'] });
  });

  it('a login has the roles of the groups that were pushed, whatever groups its token names', async () => {
    const idp = await startLoopbackIdp();
    try {
      const login = { enabled: true, createUsers: true, subject: 'claims.sub', maxSessionSeconds: 43_200 };
      const match = [{ claim: 'preferred_username', field: 'userName' }];
      world = await makeGroupWorld(rollcall, { ...idp.trust, login: { ...login, match } });
      const ada = await createUser(world.scim, 'ada@example.com');
      const { id } = await createGroup(world.scim, 'engineering', [ada.id]);
      const rolesAtLogin = async (groups: string[]) => {
        const token = idp.token({ sub: 'ada', preferred_username: 'ada@example.com', groups });
        const answer = await rollcall.http.post<{ user: { roles: string[] } }>('/auth/login', { token });
        expect(answer.status).toBe(200);
        return answer.body.user.roles;
      };
      expect(await rolesAtLogin(['sales'])).toEqual(['editor']);
      await remove(id, ada.id);
      expect(await rolesAtLogin(['engineering'])).toEqual([]);
      await add(id, ada.id);
      expect(await rolesAtLogin([])).toEqual(['editor']);
    } finally {
      await idp.stop();
    }
  });

  it('more than a thousand members follow by a run that the answer does not wait for', async () => {
    const ids = await seedScimPeople(rollcall, world, 1500);
    const { id } = await createGroup(world.scim, 'engineering', ids);
    const [created] = await finishGroupRuns(rollcall, world);
    expect(created).toMatchObject({ counts: { changed: 1500, unchanged: 0, failed: 0 } });
    expect(Object.keys(await roles())).toHaveLength(1500);
    expect(await rename(id, 'sales')).toMatchObject({ status: 204 });
    const [renamed] = await finishGroupRuns(rollcall, world);
    expect(renamed).toMatchObject({ kind: 'groups', status: 'finished', counts: { changed: 1500 } });
    expect(await roles()).toEqual({});
    expect(await groupFactOf(rollcall, ids[1499] ?? '')).toEqual(['sales']);
    const put = await world.scim.put<ScimGroup>(`/scim/v2/Groups/${id}`, groupBody('sales', ids.slice(0, 10)));
    expect(put.body.members).toHaveLength(10);
    await finishGroupRuns(rollcall, world);
    expect(await groupFactOf(rollcall, ids[10] ?? '')).toEqual([]);
    expect(await groupFactOf(rollcall, ids[9] ?? '')).toEqual(['sales']);
  }, 60_000);

  it('a large group is gone at once when it is deleted, and its members follow', async () => {
    const ids = await seedScimPeople(rollcall, world, 1200);
    const { id } = await createGroup(world.scim, 'engineering', ids);
    expect(await world.scim.delete(`/scim/v2/Groups/${id}`)).toMatchObject({ status: 204 });
    expect(await world.scim.get(`/scim/v2/Groups/${id}`)).toMatchObject({ status: 404 });
    await createGroup(world.scim, 'Engineering', ids.slice(0, 2));
    await finishGroupRuns(rollcall, world);
    expect(await roles()).toEqual({});
    expect(await groupFactOf(rollcall, ids[0] ?? '')).toEqual(['Engineering']);
    expect(await groupFactOf(rollcall, ids[2] ?? '')).toEqual([]);
  }, 60_000);
});

describe('whom groups cannot reach', () => {
  const userOf = async (identityId: string) =>
    (await rollcall.database.read.findOneByOrFail(IdentityEntity, { id: identityId })).userId;

  it('SCIM 64 nobody who holds a privileged role of others is put into a group, or taken out', async () => {
    const [a = '', b = ''] = await seedScimPeople(rollcall, world, 2);
    const { id } = await createGroup(world.scim, 'engineering', [a]);
    for (const one of [a, b]) {
      await seedGrants(rollcall, [{ tenantId: world.tenantId, userId: await userOf(one), role: 'owner' }]);
    }
    for (const answer of [await add(id, b), await remove(id, a), await world.scim.delete(`/scim/v2/Groups/${id}`)]) {
      expect(answer).toMatchObject({ status: 403, body: { status: '403' } });
    }
    expect(await world.scim.post('/scim/v2/Groups', groupBody('sales', [b]))).toMatchObject({ status: 403 });
    const { body } = await world.scim.get<ScimGroup>(`/scim/v2/Groups/${id}`);
    expect(body.members?.map(({ value }) => value)).toEqual([a]);
    expect(await groupFactOf(rollcall, b)).toBeUndefined();
  });

  it('SCIM 64 a group gives no privileged role where the connection may not, whatever its rules say', async () => {
    const mapping = { roles: [{ id: 'boss', when: "'bosses' in claims.groups", grant: ['admin', 'viewer'] }] };
    world = await makeGroupWorld(rollcall, { mapping, allowedRoles: ['viewer', 'admin'] });
    const [a = ''] = await seedScimPeople(rollcall, world, 1);
    await createGroup(world.scim, 'bosses', [a]);
    expect(await roles()).toEqual({ [a]: ['viewer'] });
    const admin = await rollcall.clientWith(world.tenantId, ['connections:read']);
    const { body } = await admin.get<{ items: object[] }>(`/connections/${world.connectionId}/groups`);
    expect(body.items).toMatchObject([
      {
        gives: [
          { key: 'admin', withheld: 'privileged' },
          { key: 'viewer', withheld: null },
        ],
      },
    ]);
  });

  it('SCIM 64 the last owner stays, also where the connection may give and take that role', async () => {
    const mapping = { roles: [{ id: 'own', when: "'owners' in claims.groups", grant: ['owner'] }] };
    world = await makeGroupWorld(rollcall, { mapping, allowedRoles: ['owner'], allowPrivileged: true });
    const [a = '', b = ''] = await seedScimPeople(rollcall, world, 2);
    const { id } = await createGroup(world.scim, 'owners', [a, b]);
    expect(await remove(id, a)).toMatchObject({ status: 200 });
    for (const answer of [
      await remove(id, b),
      await rename(id, 'others'),
      await world.scim.delete(`/scim/v2/Groups/${id}`),
    ]) {
      expect(answer).toMatchObject({ status: 409 });
    }
    expect(await roles()).toEqual({ [b]: ['owner'] });
    const { body } = await world.scim.get<ScimGroup>(`/scim/v2/Groups/${id}`);
    expect(body).toMatchObject({ displayName: 'owners', members: [{ value: b }] });
  });

  it('every change of a group is in the ledger, in the order of its versions', async () => {
    const [a = ''] = await seedScimPeople(rollcall, world, 1);
    const { id } = await createGroup(world.scim, 'one', [a]);
    await rename(id, 'two');
    await remove(id, a);
    await world.scim.delete(`/scim/v2/Groups/${id}`);
    const rows: { type: string; subjectVersion: number; fields: string; via: string }[] =
      await rollcall.database.read.query(
        'SELECT type, subjectVersion, fields, via FROM events WHERE subjectId = ? ORDER BY subjectVersion',
        [id],
      );
    expect(rows.map(({ type, fields, via }) => `${type} ${fields} ${via}`)).toEqual([
      'group.created ["displayName","members"] scim',
      'group.updated ["displayName"] scim',
      'group.updated ["members"] scim',
      'group.deleted [] scim',
    ]);
    expect(rows.map(({ subjectVersion }) => Number(subjectVersion))).toEqual([1, 2, 3, 4]);
  });
});
