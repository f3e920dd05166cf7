import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/platform/ids.js';
import { expectScimError } from '../support/scim-asks.js';
import {
  createGroup,
  GROUP_URN,
  groupBody,
  groupFactOf,
  groupPath,
  makeGroupWorld,
  membersOf,
  patchGroup,
  type ScimGroup,
  seedScimPeople,
  valuesOf,
} from '../support/scim-groups-world.js';
import { createUser, patchOf, type ScimResourceBody, type ScimWorld, userPath } from '../support/scim-world.js';
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

const HOUR = 3_600_000_000;
const get = (id: string, query = '') => world.scim.get<ScimGroup>(groupPath(id) + query);

describe('groups over SCIM', () => {
  it('SCIM 26 POST answers 201 with the group, its members, Location and ETag', async () => {
    const ada = await createUser(world.scim, 'ada@example.com', { displayName: 'Ada' });
    const answer = await world.scim.post<ScimGroup>(
      '/scim/v2/Groups',
      groupBody('Staff', [ada.id], { externalId: 'x' }),
    );
    expect(answer).toMatchObject({
      status: 201,
      body: {
        schemas: [GROUP_URN],
        displayName: 'Staff',
        externalId: 'x',
        members: [{ value: ada.id, type: 'User', display: 'Ada' }],
        meta: { resourceType: 'Group', version: 'W/"1"' },
      },
    });
    const { id, meta } = answer.body;
    expect(answer.headers.get('location')).toBe(meta.location);
    expect(answer.headers.get('etag')).toBe('W/"1"');
    expect(meta.location.endsWith(groupPath(id))).toBe(true);
    expect((await get(id)).body).toEqual(answer.body);
  });

  it('SCIM 23 a user shows the groups that they are a member of', async () => {
    const ada = await createUser(world.scim, 'ada@example.com');
    const staff = await createGroup(world.scim, 'Staff', [ada.id]);
    const { body } = await world.scim.get<{ groups: Record<string, string>[] }>(`/scim/v2/Users/${ada.id}`);
    expect(body.groups).toEqual([
      { value: staff.id, display: 'Staff', type: 'direct', $ref: expect.stringContaining(groupPath(staff.id)) },
    ]);
    await patchGroup(world, staff.id, { op: 'remove', path: `members[value eq "${ada.id}"]` });
    expect((await world.scim.get(`/scim/v2/Users/${ada.id}`)).body).not.toHaveProperty('groups');
  });

  it('SCIM 60 the ETag of a user is another one when their groups are, and If-Match minds only the user', async () => {
    const ada = await createUser(world.scim, 'ada@example.com');
    const path = userPath(ada);
    const known = [ada.meta.version];
    const staff = await createGroup(world.scim, 'Staff', [ada.id]);
    for (const change of [
      () => Promise.resolve(),
      () => patchGroup(world, staff.id, { op: 'replace', path: 'displayName', value: 'Crew' }),
      () => createGroup(world.scim, 'Board', [ada.id]),
    ]) {
      await change();
      const answer = await world.scim.get<ScimResourceBody>(path, { 'if-none-match': known.join(', ') });
      expect(answer.status).toBe(200);
      const etag = answer.headers.get('etag') ?? '';
      expect(answer.body.meta.version).toBe(etag);
      // However little of the user is asked for, and by whichever way.
      expect((await world.scim.get(`${path}?attributes=userName`)).headers.get('etag')).toBe(etag);
      expect((await world.scim.get(path, { 'if-none-match': `"7", ${etag}` })).status).toBe(304);
      const list = await world.scim.get<{ Resources: ScimResourceBody[] }>(
        '/scim/v2/Users?excludedAttributes=groups&filter=userName%20sw%20%22ada%22',
      );
      expect(list.body.Resources.map(({ meta }) => meta.version)).toEqual([etag]);
      known.push(etag);
    }
    const title = patchOf({ op: 'add', path: 'title', value: 'Dr.' });
    const changed = await world.scim.patch<ScimResourceBody>(path, title, { 'if-match': known[1] ?? '' });
    expect(changed.status).toBe(200);
    expect(changed.headers.get('etag')).toBe(changed.body.meta.version);
    expect((await world.scim.get(path)).headers.get('etag')).toBe(changed.body.meta.version);
    for (const old of known) expect((await world.scim.patch(path, title, { 'if-match': old })).status).toBe(412);
  });

  it('SCIM 30 a display name is unique whatever its case, also among POSTs at the same moment', async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        world.scim.post('/scim/v2/Groups', groupBody(n % 2 === 0 ? 'Finance' : 'FINANCE')),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(11).fill(409)]);
    for (const answer of answers) if (answer.status !== 201) expectScimError(answer, 409, 'uniqueness');
    const other = await createGroup(world.scim, 'Sales');
    expectScimError(
      await patchGroup(world, other.id, { op: 'replace', path: 'displayName', value: 'finance' }),
      409,
      'uniqueness',
    );
    expect(await patchGroup(world, other.id, { op: 'replace', path: 'displayName', value: 'SALES' })).toMatchObject({
      status: 200,
      body: { displayName: 'SALES' },
    });
  });

  it('SCIM 33 a deleted group is 404 for everything, leaves its members, and its name is free', async () => {
    const [a = ''] = await seedScimPeople(rollcall, world, 1);
    const { id } = await createGroup(world.scim, 'Staff', [a]);
    expect(await world.scim.delete(groupPath(id))).toMatchObject({ status: 204, body: '' });
    expectScimError(await get(id), 404);
    expectScimError(await world.scim.delete(groupPath(id)), 404);
    expectScimError(await world.scim.put(groupPath(id), groupBody('Staff')), 404);
    expectScimError(await patchGroup(world, id, { op: 'add', path: 'members', value: valuesOf(a) }), 404);
    expect(await groupFactOf(rollcall, a)).toEqual([]);
    await createGroup(world.scim, 'Staff');
  });

  it('SCIM 33 a deleted user is in no group any more, and the groups say that they have changed', async () => {
    const ada = await createUser(world.scim, 'ada@example.com');
    const eve = await createUser(world.scim, 'eve@example.com');
    const { id, meta } = await createGroup(world.scim, 'Staff', [ada.id, eve.id]);
    expect(await world.scim.delete(`/scim/v2/Users/${ada.id}`)).toMatchObject({ status: 204 });
    const after = await get(id);
    expect(membersOf(after)).toEqual([eve.id]);
    expect(after.body.meta.version).not.toBe(meta.version);
  });

  it('SCIM 32 PUT replaces: members who are not named leave, an externalId that is not named goes', async () => {
    const [a = '', b = '', c = ''] = await seedScimPeople(rollcall, world, 3);
    const { id } = await createGroup(world.scim, 'Staff', [a, b], { externalId: 'x' });
    const answer = await world.scim.put<ScimGroup>(groupPath(id), groupBody('Crew', [b, c]));
    expect(answer).toMatchObject({ status: 200, body: { id, displayName: 'Crew' } });
    expect(answer.body).not.toHaveProperty('externalId');
    expect(membersOf(answer)).toEqual([b, c].sort());
    expectScimError(await world.scim.put(groupPath(id), { schemas: [GROUP_URN] }), 400, 'invalidValue');
    expectScimError(await world.scim.put(groupPath(newId()), groupBody('Nobody')), 404);
  });

  it('SCIM 13 a change that changes nothing keeps version and lastModified', async () => {
    const [a = ''] = await seedScimPeople(rollcall, world, 1);
    const before = await createGroup(world.scim, 'Staff', [a], { externalId: 'x' });
    const same = [
      () => patchGroup(world, before.id, { op: 'add', path: 'members', value: valuesOf(a) }),
      () => patchGroup(world, before.id, { op: 'remove', path: `members[value eq "${newId()}"]` }),
      () => patchGroup(world, before.id, { op: 'replace', value: { displayName: 'Staff' } }),
      () => world.scim.put<ScimGroup>(groupPath(before.id), groupBody('Staff', [a], { externalId: 'x' })),
    ];
    for (const ask of same) expect(await ask()).toMatchObject({ status: 200, body: { meta: before.meta } });
    const after = await patchGroup(world, before.id, { op: 'remove', path: 'members', value: valuesOf(a) });
    expect(after.body.meta.version).toBe('W/"2"');
  });

  it.each([
    ['an hour ago', -HOUR],
    ['by a clock that was an hour fast', HOUR],
  ])('SCIM 12 lastModified is later after each change of a group that was changed %s', async (_, by) => {
    const [a = ''] = await seedScimPeople(rollcall, world, 1);
    const { id } = await createGroup(world.scim, 'Staff');
    const changes = [
      () => patchGroup(world, id, { op: 'replace', value: { displayName: 'Crew' } }),
      () => patchGroup(world, id, { op: 'add', path: 'members', value: valuesOf(a) }),
      () => world.scim.put(groupPath(id), groupBody('Crew', [], { externalId: 'x' })),
    ];
    for (const change of changes) {
      const sql = 'UPDATE scim_groups SET modifiedAt = createdAt + ? WHERE id = ?';
      await rollcall.database.transaction((tx) => tx.query(sql, [by, id]));
      const before = (await get(id)).body.meta.lastModified;
      expect(await change()).toMatchObject({ status: 200 });
      const filter = encodeURIComponent(`meta.lastModified gt "${before}"`);
      expect((await world.scim.get(`/scim/v2/Groups?filter=${filter}`)).body).toMatchObject({ totalResults: 1 });
    }
  });

  it('SCIM 60 If-Match is honoured by PUT, PATCH and DELETE, and If-None-Match by GET', async () => {
    const { id } = await createGroup(world.scim, 'Staff');
    const old = { 'if-match': 'W/"7"' };
    expectScimError(await world.scim.put(groupPath(id), groupBody('Crew'), old), 412);
    expectScimError(
      await world.scim.patch(groupPath(id), patchOf({ op: 'replace', value: { displayName: 'Crew' } }), old),
      412,
    );
    expectScimError(await world.scim.delete(groupPath(id), old), 412);
    expect(await world.scim.get(groupPath(id), { 'if-none-match': 'W/"1"' })).toMatchObject({ status: 304 });
    expect(await world.scim.put(groupPath(id), groupBody('Crew'), { 'if-match': 'W/"1"' })).toMatchObject({
      status: 200,
    });
    expect(await world.scim.get(groupPath(id), { 'if-none-match': 'W/"1"' })).toMatchObject({ status: 200 });
    expect(await world.scim.delete(groupPath(id), { 'if-match': '*' })).toMatchObject({ status: 204 });
  });

  it('SCIM 60 of several changes of one version at the same moment, one is made', async () => {
    const people = await seedScimPeople(rollcall, world, 6);
    const { id } = await createGroup(world.scim, 'Staff');
    const answers = await Promise.all(
      people.map((one) =>
        world.scim.patch(groupPath(id), patchOf({ op: 'add', path: 'members', value: valuesOf(one) }), {
          'if-match': 'W/"1"',
        }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412, 412, 412]);
    expect(membersOf(await get(id))).toHaveLength(1);
  });
});
