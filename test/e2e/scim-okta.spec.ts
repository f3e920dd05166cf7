import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { HttpClient } from '../support/http-client.js';
import { makeScimWorld, patchOf, type ScimResourceBody, USER_URN } from '../support/scim-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

/** What Okta sends from one day of an account to the next, in its own words. */

const GROUP_URN = 'urn:ietf:params:scim:schemas:core:2.0:Group';

interface List {
  totalResults: number;
  Resources: ScimResourceBody[];
}
interface Group {
  id: string;
  displayName: string;
  members?: { value: string }[];
}

let rollcall: TestApp;
let scim: HttpClient;

beforeAll(async () => {
  rollcall = await startApp();
  ({ scim } = await makeScimWorld(rollcall, { preset: 'okta' }));
});
afterAll(() => rollcall.stop());

function oktaUser(name: string, active = true): Record<string, unknown> {
  return {
    schemas: [USER_URN],
    userName: `${name}@example.com`,
    name: { givenName: name, familyName: 'Example' },
    emails: [{ primary: true, value: `${name}@example.com`, type: 'work' }],
    displayName: `${name} Example`,
    locale: 'en-US',
    externalId: `00u-${name}`,
    groups: [],
    active,
  };
}

const find = async (userName: string) => {
  const filter = encodeURIComponent(`userName eq "${userName}"`);
  return (await scim.get<List>(`/scim/v2/Users?filter=${filter}&startIndex=1&count=100`)).body;
};

it('assigns somebody: looks for the user name, creates, and sees the profile', async () => {
  expect(await find('ada@example.com')).toMatchObject({ totalResults: 0, Resources: [] });
  const created = await scim.post<ScimResourceBody>('/scim/v2/Users', oktaUser('ada'));
  expect(created.status).toBe(201);
  expect((await scim.get(`/scim/v2/Users/${created.body.id}`)).body).toMatchObject({
    userName: 'ada@example.com',
    externalId: '00u-ada',
    active: true,
  });
});

it('updates a profile by PUT of the whole user, with the id that it was given', async () => {
  const { body } = await scim.post<ScimResourceBody>('/scim/v2/Users', oktaUser('bob'));
  const next = { ...oktaUser('bob'), id: body.id, displayName: 'Robert Example' };
  expect(await scim.put(`/scim/v2/Users/${body.id}`, next)).toMatchObject({
    status: 200,
    body: { id: body.id, displayName: 'Robert Example' },
  });
});

it('unassigns by a PATCH without a path, and assigns again: the same id, whether by PATCH, PUT or POST', async () => {
  const { id } = (await scim.post<ScimResourceBody>('/scim/v2/Users', oktaUser('cy'))).body;
  const path = `/scim/v2/Users/${id}`;
  const again: (() => Promise<{ status: number; body: Record<string, unknown> }>)[] = [
    () => scim.patch(path, patchOf({ op: 'replace', value: { active: true } })),
    () => scim.put(path, { ...oktaUser('cy'), id }),
    () => scim.post('/scim/v2/Users', oktaUser('cy')),
  ];
  for (const assign of again) {
    const off = await scim.patch(path, patchOf({ op: 'replace', value: { active: false } }));
    expect(off).toMatchObject({ status: 200, body: { id, active: false } });
    expect(await find('cy@example.com')).toMatchObject({ totalResults: 1, Resources: [{ id, active: false }] });
    const answer = await assign();
    expect([200, 201]).toContain(answer.status);
    expect(answer.body).toMatchObject({ id, active: true });
  }
});

it('pushes a group: creates it, renames it with its id in the value, and changes its members', async () => {
  const people: string[] = [];
  for (const name of ['dee', 'eve']) {
    people.push((await scim.post<ScimResourceBody>('/scim/v2/Users', oktaUser(name))).body.id);
  }
  const [dee = '', eve = ''] = people;
  const created = await scim.post<Group>('/scim/v2/Groups', {
    schemas: [GROUP_URN],
    displayName: 'Staff',
    members: [],
  });
  expect(created.status).toBe(201);
  const { id } = created.body;
  const path = `/scim/v2/Groups/${id}`;
  const membersNow = async () => ((await scim.get<Group>(path)).body.members ?? []).map(({ value }) => value).sort();

  await scim.patch(path, patchOf({ op: 'add', path: 'members', value: [{ value: dee, display: 'dee@example.com' }] }));
  const renamed = await scim.patch(path, patchOf({ op: 'replace', value: { id, displayName: 'All staff' } }));
  expect(renamed.status).toBe(204);
  expect((await scim.get<Group>(path)).body.displayName).toBe('All staff');
  // A rename takes nobody away.
  expect(await membersNow()).toEqual([dee]);

  await scim.patch(path, patchOf({ op: 'replace', path: 'members', value: [{ value: dee }, { value: eve }] }));
  expect(await membersNow()).toEqual([dee, eve].sort());
  await scim.patch(path, patchOf({ op: 'remove', path: `members[value eq "${dee}"]` }));
  expect(await membersNow()).toEqual([eve]);
  // "Push now" of a group that nobody is in.
  await scim.patch(path, patchOf({ op: 'replace', path: 'members', value: [] }));
  expect(await membersNow()).toEqual([]);
  expect((await scim.delete(path)).status).toBe(204);
});
