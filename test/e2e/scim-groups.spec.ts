import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/platform/ids.js';
import type { Answer } from '../support/http-client.js';
import {
  createGroup,
  GROUP_URN,
  groupBody,
  groupFactOf,
  makeGroupWorld,
  type ScimGroup,
  seedScimPeople,
} from '../support/scim-groups-world.js';
import { createUser, ERROR_URN, patchOf, type ScimWorld } from '../support/scim-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

interface ListAnswer {
  totalResults: number;
  itemsPerPage: number;
  startIndex?: number;
  nextCursor?: string;
  Resources: ScimGroup[];
}

let rollcall: TestApp;
let world: ScimWorld;

beforeAll(async () => {
  rollcall = await startApp();
});
afterAll(() => rollcall.stop());
beforeEach(async () => {
  world = await makeGroupWorld(rollcall);
});

const at = (id: string) => `/scim/v2/Groups/${id}`;
const get = (id: string, query = '') => world.scim.get<ScimGroup>(at(id) + query);
const patch = (id: string, ...operations: Record<string, unknown>[]) =>
  world.scim.patch<ScimGroup>(at(id), patchOf(...operations));
const list = (query: Record<string, string | number>) =>
  world.scim.get<ListAnswer>(`/scim/v2/Groups?${new URLSearchParams(query as Record<string, string>)}`);
const members = ({ body }: Answer<ScimGroup>) => (body.members ?? []).map(({ value }) => value).sort();
const valuesOf = (...ids: string[]) => ids.map((value) => ({ value }));

function expectError(answer: Answer<unknown>, status: number, scimType?: string): void {
  expect(answer.status).toBe(status);
  expect(answer.body).toMatchObject({
    schemas: [ERROR_URN],
    status: String(status),
    ...(scimType ? { scimType } : {}),
  });
}

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
    expect(meta.location.endsWith(at(id))).toBe(true);
    expect((await get(id)).body).toEqual(answer.body);
  });

  it('SCIM 23 a user shows the groups that they are a member of', async () => {
    const ada = await createUser(world.scim, 'ada@example.com');
    const staff = await createGroup(world.scim, 'Staff', [ada.id]);
    const { body } = await world.scim.get<{ groups: Record<string, string>[] }>(`/scim/v2/Users/${ada.id}`);
    expect(body.groups).toEqual([
      { value: staff.id, display: 'Staff', type: 'direct', $ref: expect.stringContaining(at(staff.id)) },
    ]);
    await patch(staff.id, { op: 'remove', path: `members[value eq "${ada.id}"]` });
    expect((await world.scim.get(`/scim/v2/Users/${ada.id}`)).body).not.toHaveProperty('groups');
  });

  it('SCIM 30 a display name is unique whatever its case, also among POSTs at the same moment', async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        world.scim.post('/scim/v2/Groups', groupBody(n % 2 === 0 ? 'Finance' : 'FINANCE')),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(11).fill(409)]);
    for (const answer of answers) if (answer.status !== 201) expectError(answer, 409, 'uniqueness');
    const other = await createGroup(world.scim, 'Sales');
    expectError(await patch(other.id, { op: 'replace', path: 'displayName', value: 'finance' }), 409, 'uniqueness');
    expect(await patch(other.id, { op: 'replace', path: 'displayName', value: 'SALES' })).toMatchObject({
      status: 200,
      body: { displayName: 'SALES' },
    });
  });

  it('SCIM 33 a deleted group is 404 for everything, leaves its members, and its name is free', async () => {
    const [a = ''] = await seedScimPeople(rollcall, world, 1);
    const { id } = await createGroup(world.scim, 'Staff', [a]);
    expect(await world.scim.delete(at(id))).toMatchObject({ status: 204, body: '' });
    expectError(await get(id), 404);
    expectError(await world.scim.delete(at(id)), 404);
    expectError(await world.scim.put(at(id), groupBody('Staff')), 404);
    expectError(await patch(id, { op: 'add', path: 'members', value: valuesOf(a) }), 404);
    expect(await groupFactOf(rollcall, a)).toEqual([]);
    await createGroup(world.scim, 'Staff');
  });

  it('SCIM 33 a deleted user is in no group any more, and the groups say that they have changed', async () => {
    const ada = await createUser(world.scim, 'ada@example.com');
    const eve = await createUser(world.scim, 'eve@example.com');
    const { id, meta } = await createGroup(world.scim, 'Staff', [ada.id, eve.id]);
    expect(await world.scim.delete(`/scim/v2/Users/${ada.id}`)).toMatchObject({ status: 204 });
    const after = await get(id);
    expect(members(after)).toEqual([eve.id]);
    expect(after.body.meta.version).not.toBe(meta.version);
  });

  it('SCIM 32 PUT replaces: members who are not named leave, an externalId that is not named goes', async () => {
    const [a = '', b = '', c = ''] = await seedScimPeople(rollcall, world, 3);
    const { id } = await createGroup(world.scim, 'Staff', [a, b], { externalId: 'x' });
    const answer = await world.scim.put<ScimGroup>(at(id), groupBody('Crew', [b, c]));
    expect(answer).toMatchObject({ status: 200, body: { id, displayName: 'Crew' } });
    expect(answer.body).not.toHaveProperty('externalId');
    expect(members(answer)).toEqual([b, c].sort());
    expectError(await world.scim.put(at(id), { schemas: [GROUP_URN] }), 400, 'invalidValue');
    expectError(await world.scim.put(at(newId()), groupBody('Nobody')), 404);
  });

  it('SCIM 13 a change that changes nothing keeps version and lastModified', async () => {
    const [a = ''] = await seedScimPeople(rollcall, world, 1);
    const before = await createGroup(world.scim, 'Staff', [a], { externalId: 'x' });
    const same = [
      () => patch(before.id, { op: 'add', path: 'members', value: valuesOf(a) }),
      () => patch(before.id, { op: 'remove', path: `members[value eq "${newId()}"]` }),
      () => patch(before.id, { op: 'replace', value: { displayName: 'Staff' } }),
      () => world.scim.put<ScimGroup>(at(before.id), groupBody('Staff', [a], { externalId: 'x' })),
    ];
    for (const ask of same) expect(await ask()).toMatchObject({ status: 200, body: { meta: before.meta } });
    const after = await patch(before.id, { op: 'remove', path: 'members', value: valuesOf(a) });
    expect(after.body.meta.version).toBe('W/"2"');
  });

  it('SCIM 60 If-Match is honoured by PUT, PATCH and DELETE, and If-None-Match by GET', async () => {
    const { id } = await createGroup(world.scim, 'Staff');
    const old = { 'if-match': 'W/"7"' };
    expectError(await world.scim.put(at(id), groupBody('Crew'), old), 412);
    expectError(await world.scim.patch(at(id), patchOf({ op: 'replace', value: { displayName: 'Crew' } }), old), 412);
    expectError(await world.scim.delete(at(id), old), 412);
    expect(await world.scim.get(at(id), { 'if-none-match': 'W/"1"' })).toMatchObject({ status: 304 });
    expect(await world.scim.put(at(id), groupBody('Crew'), { 'if-match': 'W/"1"' })).toMatchObject({ status: 200 });
    expect(await world.scim.get(at(id), { 'if-none-match': 'W/"1"' })).toMatchObject({ status: 200 });
    expect(await world.scim.delete(at(id), { 'if-match': '*' })).toMatchObject({ status: 204 });
  });

  it('SCIM 60 of several changes of one version at the same moment, one is made', async () => {
    const people = await seedScimPeople(rollcall, world, 6);
    const { id } = await createGroup(world.scim, 'Staff');
    const answers = await Promise.all(
      people.map((one) =>
        world.scim.patch(at(id), patchOf({ op: 'add', path: 'members', value: valuesOf(one) }), {
          'if-match': 'W/"1"',
        }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412, 412, 412]);
    expect(members(await get(id))).toHaveLength(1);
  });
});

describe('members of groups', () => {
  it('SCIM 42 43 remove takes away those who are named, and no others', async () => {
    const people = await seedScimPeople(rollcall, world, 5);
    const [a = '', b = '', c = '', d = '', e = ''] = people;
    const { id } = await createGroup(world.scim, 'Staff', people);
    await patch(id, { op: 'Remove', path: 'members', value: valuesOf(a) });
    expect(members(await get(id))).toEqual([b, c, d, e].sort());
    await patch(id, { op: 'remove', path: `members[value eq "${b}" or value eq "${c}"]` });
    expect(members(await get(id))).toEqual([d, e].sort());
    await patch(id, { op: 'remove', path: `members[value sw "${d.slice(0, 8)}" and value eq "${d}"]` });
    expect(members(await get(id))).toEqual([e]);
    expect(await patch(id, { op: 'remove', path: 'members' })).toMatchObject({ status: 200 });
    expect(members(await get(id))).toEqual([]);
  });

  it('SCIM 44 replace of members replaces all of them, with an empty list too', async () => {
    const [a = '', b = '', c = ''] = await seedScimPeople(rollcall, world, 3);
    const { id } = await createGroup(world.scim, 'Staff', [a, b]);
    await patch(id, { op: 'replace', path: 'members', value: valuesOf(b, c) });
    expect(members(await get(id))).toEqual([b, c].sort());
    await patch(id, { op: 'replace', value: { displayName: 'Crew' } });
    expect(members(await get(id))).toEqual([b, c].sort());
    await patch(id, { op: 'replace', path: 'members', value: [] });
    expect(members(await get(id))).toEqual([]);
  });

  it('SCIM 35 the operations of a PATCH are applied in order, and all of them or none', async () => {
    const [a = '', b = ''] = await seedScimPeople(rollcall, world, 2);
    const { id } = await createGroup(world.scim, 'Staff', [a]);
    const answer = await patch(
      id,
      { op: 'add', path: 'members', value: valuesOf(b) },
      { op: 'remove', path: `members[value eq "${a}"]` },
      { op: 'replace', path: 'displayName', value: 'Crew' },
    );
    expect(answer).toMatchObject({ status: 200, body: { displayName: 'Crew' } });
    expect(members(answer)).toEqual([b]);
    const refused = await patch(
      id,
      { op: 'add', path: 'members', value: valuesOf(a) },
      { op: 'replace', path: 'displayName', value: 'Other' },
      { op: 'add', path: 'members', value: valuesOf(newId()) },
    );
    expectError(refused, 400, 'invalidValue');
    expect((await get(id)).body).toEqual(answer.body);
  });

  it('SCIM 47 twenty adds at the same moment end with twenty members', async () => {
    const people = await seedScimPeople(rollcall, world, 20);
    const { id } = await createGroup(world.scim, 'engineering');
    const answers = await Promise.all(
      people.map((one) => patch(id, { op: 'add', path: 'members', value: valuesOf(one) })),
    );
    expect(answers.map(({ status }) => status)).toEqual(people.map(() => 200));
    const group = await get(id);
    expect(members(group)).toEqual([...people].sort());
    expect(group.body.meta.version).toBe('W/"21"');
    await Promise.all(
      people.slice(0, 15).map((one) => patch(id, { op: 'remove', path: `members[value eq "${one}"]` })),
    );
    expect(members(await get(id))).toEqual(people.slice(15).sort());
  });

  it('SCIM 47 adds while the group is renamed lose nobody, and everybody is told the new name', async () => {
    const people = await seedScimPeople(rollcall, world, 12);
    const { id } = await createGroup(world.scim, 'one', people.slice(0, 4));
    await Promise.all([
      ...people.slice(4).map((one) => patch(id, { op: 'add', path: 'members', value: valuesOf(one) })),
      patch(id, { op: 'replace', path: 'displayName', value: 'two' }),
    ]);
    expect(members(await get(id))).toEqual([...people].sort());
    for (const one of people) expect(await groupFactOf(rollcall, one)).toEqual(['two']);
  });

  it('SCIM 36 a large group is answered with 204, and whoever asks for attributes gets these', async () => {
    const people = await seedScimPeople(rollcall, world, 120);
    const { id } = await createGroup(world.scim, 'Staff', people.slice(0, 110));
    const answer = await patch(id, { op: 'add', path: 'members', value: valuesOf(people[111] ?? '') });
    expect(answer).toMatchObject({ status: 204, body: '' });
    expect(answer.headers.get('etag')).toBe('W/"2"');
    const told = await world.scim.patch<ScimGroup>(
      `${at(id)}?attributes=members`,
      patchOf({ op: 'add', path: 'members', value: valuesOf(people[112] ?? '') }),
    );
    expect(told.status).toBe(200);
    expect(told.body.members).toHaveLength(112);
    const without = await get(id, '?excludedAttributes=members');
    expect(without.body).not.toHaveProperty('members');
  });

  it('SCIM 63 members are users of the directory: nobody of another tenant, of another connection, and no groups', async () => {
    const other = await makeGroupWorld(rollcall);
    const [foreign = ''] = await seedScimPeople(rollcall, other, 1);
    const [a = ''] = await seedScimPeople(rollcall, world, 1);
    const { id } = await createGroup(world.scim, 'Staff', [a]);
    for (const value of [foreign, newId(), 'nobody']) {
      expectError(await patch(id, { op: 'add', path: 'members', value: [{ value }] }), 400, 'invalidValue');
    }
    expectError(await patch(id, { op: 'add', path: 'members', value: valuesOf(id) }), 400, 'invalidValue');
    expectError(await other.scim.get(at(id)), 404);
    expectError(await other.scim.delete(at(id)), 404);
    expect(members(await get(id))).toEqual([a]);
  });

  it('unknown members are left out or kept where the preset says so', async () => {
    const okta = await makeGroupWorld(rollcall, { preset: 'okta' });
    const left = await createGroup(okta.scim, 'Staff', ['nobody']);
    expect(left).not.toHaveProperty('members');
    const entra = await makeGroupWorld(rollcall, { preset: 'entra' });
    const kept = await createGroup(entra.scim, 'Staff', ['nobody']);
    expect(kept.members).toMatchObject([{ value: 'nobody' }]);
    const gone = await entra.scim.patch(
      at(kept.id),
      patchOf({ op: 'Remove', path: 'members', value: valuesOf('nobody') }),
    );
    expect(gone.status).toBe(204);
    expect((await entra.scim.get(at(kept.id))).body).not.toHaveProperty('members');
  });
});

describe('lists of groups', () => {
  it('SCIM 54 are found by displayName in any case, externalId, id, members and lastModified', async () => {
    const [a = '', b = ''] = await seedScimPeople(rollcall, world, 2);
    const staff = await createGroup(world.scim, 'Staff', [a], { externalId: 'X-1' });
    const crew = await createGroup(world.scim, 'Crew', [a, b]);
    const found = async (filter: string) => {
      const { status, body } = await list({ filter });
      expect(status).toBe(200);
      expect(body.totalResults).toBe(body.Resources.length);
      return body.Resources.map(({ id }) => id).sort();
    };
    const both = [staff.id, crew.id].sort();
    expect(await found('displayName eq "STAFF"')).toEqual([staff.id]);
    expect(await found('displayName eq "nobody"')).toEqual([]);
    expect(await found('externalId eq "X-1"')).toEqual([staff.id]);
    expect(await found('externalId eq "x-1"')).toEqual([]);
    expect(await found(`id eq "${crew.id}"`)).toEqual([crew.id]);
    expect(await found(`members.value eq "${b}"`)).toEqual([crew.id]);
    expect(await found(`members[value eq "${a}"]`)).toEqual(both);
    expect(await found(`members eq "${a}" and displayName sw "st"`)).toEqual([staff.id]);
    expect(await found(`not (members.value eq "${b}")`)).toEqual([staff.id]);
    expect(await found(`meta.lastModified ge "${staff.meta.lastModified}"`)).toEqual(both);
    expect(await found('members pr')).toEqual(both);
    expect(await found('externalId pr')).toEqual([staff.id]);
    expect(await found('displayName ew "ff" or displayName co "re"')).toEqual(both);
    expectError(await list({ filter: 'nosuch eq "x"' }), 400, 'invalidFilter');
  });

  it('SCIM 55 56 59 are sorted, and paged by index and by cursor', async () => {
    const names = ['delta', 'Alpha', 'charlie', 'Bravo', 'echo'];
    for (const name of names) await createGroup(world.scim, name);
    const sorted = ['Alpha', 'Bravo', 'charlie', 'delta', 'echo'];
    const namesOf = ({ body }: Answer<ListAnswer>) => body.Resources.map(({ displayName }) => displayName);
    expect(namesOf(await list({ sortBy: 'displayName' }))).toEqual(sorted);
    const second = await list({ sortBy: 'displayName', sortOrder: 'descending', startIndex: 2, count: 2 });
    expect(second.body).toMatchObject({ totalResults: 5, startIndex: 2, itemsPerPage: 2 });
    expect(namesOf(second)).toEqual(['delta', 'charlie']);
    const walked: string[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const page: Answer<ListAnswer> = await list({ sortBy: 'displayName', count: 2, cursor });
      expect(page.body.totalResults).toBe(5);
      walked.push(...namesOf(page));
      cursor = page.body.nextCursor;
    }
    expect(walked).toEqual(sorted);
    expect((await list({ count: 0 })).body).toMatchObject({ totalResults: 5, Resources: [] });
  });

  it('SCIM 58 .search answers as GET does, at the root for users and groups at once', async () => {
    const ada = await createUser(world.scim, 'ada@example.com', { displayName: 'Ada' });
    const staff = await createGroup(world.scim, 'Staff', [ada.id]);
    const body = {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'],
      filter: 'displayName pr',
      attributes: ['displayName'],
    };
    const groups = await world.scim.post<ListAnswer>('/scim/v2/Groups/.search', body);
    expect(groups.body.Resources).toEqual([{ schemas: [GROUP_URN], id: staff.id, displayName: 'Staff' }]);
    const all = await world.scim.post<ListAnswer>('/scim/v2/.search', body);
    expect(all.body.Resources.map(({ displayName }) => displayName).sort()).toEqual(['Ada', 'Staff']);
  });
});

describe('what an admin sees of groups', () => {
  it('GET /connections/{id}/groups tells the members and the roles of each, and by which rule', async () => {
    const people = await seedScimPeople(rollcall, world, 3);
    await createGroup(world.scim, 'engineering', people);
    await createGroup(world.scim, 'sales', people.slice(0, 1), { externalId: 's-1' });
    const admin = await rollcall.clientWith(world.tenantId, ['connections:read']);
    const path = `/connections/${world.connectionId}/groups`;
    const first = await admin.get<{ items: unknown[]; cursor: string }>(`${path}?limit=1`);
    const gift = { kind: 'role', key: 'editor', rule: 'eng', because: 'groups has engineering', withheld: null };
    expect(first.body.items).toMatchObject([
      { displayName: 'engineering', knownAs: 'engineering', members: 3, gives: [gift], depends: [] },
    ]);
    const second = await admin.get<{ items: unknown[]; cursor: string | null }>(`${path}?cursor=${first.body.cursor}`);
    expect(second.body).toMatchObject({
      items: [{ displayName: 'sales', externalId: 's-1', members: 1, gives: [] }],
      cursor: null,
    });
    const other = await makeGroupWorld(rollcall);
    const stranger = await rollcall.clientWith(other.tenantId, ['connections:read']);
    expect(await stranger.get(path)).toMatchObject({ status: 404 });
  });
});
