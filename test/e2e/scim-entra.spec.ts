import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Answer, HttpClient } from '../support/http-client.js';
import { ENTERPRISE_URN, ERROR_URN, makeScimWorld, PATCH_URN, USER_URN } from '../support/scim-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

/** The cases of Microsoft's SCIM validator, each by its name there, with the requests in the words of Entra ID. */

const GROUP_URN = 'urn:ietf:params:scim:schemas:core:2.0:Group';

interface Resource {
  id: string;
  userName: string;
  active: boolean;
  displayName: string;
  externalId: string;
  members?: { value: string }[];
  [attribute: string]: unknown;
}
interface List {
  totalResults: number;
  Resources: Resource[];
}

let rollcall: TestApp;
let scim: HttpClient;
let count = 0;

beforeAll(async () => {
  rollcall = await startApp();
  ({ scim } = await makeScimWorld(rollcall, { preset: 'entra' }));
});
afterAll(() => rollcall.stop());

function newUser(): Record<string, unknown> {
  const name = `user${++count}`;
  return {
    schemas: [USER_URN, ENTERPRISE_URN],
    externalId: `00000000-0000-0000-0000-${String(count).padStart(12, '0')}`,
    userName: `${name}@Contoso.com`,
    active: true,
    displayName: `Display ${name}`,
    emails: [{ primary: true, type: 'work', value: `${name}@contoso.com` }],
    name: { formatted: `Given ${name}`, familyName: name, givenName: 'Given' },
    addresses: [{ type: 'work', streetAddress: '1 Main St', country: 'GB' }],
    phoneNumbers: [{ type: 'work', value: '+44 1' }],
    [ENTERPRISE_URN]: { department: 'Finance' },
  };
}

function newGroup(): Record<string, unknown> {
  count += 1;
  return { schemas: [GROUP_URN], externalId: `group-${count}`, displayName: `Group ${count}` };
}

async function create(kind: 'Users' | 'Groups', body: Record<string, unknown>): Promise<Resource> {
  const answer = await scim.post<Resource>(`/scim/v2/${kind}`, body);
  expect(answer.status).toBe(201);
  return answer.body;
}

const change = (kind: 'Users' | 'Groups', id: string, ...Operations: object[]) =>
  scim.patch<Resource>(`/scim/v2/${kind}/${id}`, { schemas: [PATCH_URN], Operations });
const get = async (kind: 'Users' | 'Groups', id: string, query = '') =>
  (await scim.get<Resource>(`/scim/v2/${kind}/${id}${query}`)).body;
const find = async (kind: 'Users' | 'Groups', filter: string, more = '') =>
  (await scim.get<List>(`/scim/v2/${kind}?filter=${encodeURIComponent(filter)}${more}`)).body;

function expectProblem(answer: Answer<unknown>, status: number): void {
  expect(answer).toMatchObject({ status, body: { schemas: [ERROR_URN], status: String(status) } });
}

describe('users', () => {
  it('Create a new User', async () => {
    const body = newUser();
    const { id, ...shown } = await create('Users', body);
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(shown).toMatchObject({ ...body, schemas: expect.arrayContaining([USER_URN, ENTERPRISE_URN]) });
  });

  it('Create a duplicate User', async () => {
    const body = newUser();
    await create('Users', body);
    const again = await scim.post('/scim/v2/Users', body);
    expectProblem(again, 409);
    expect(again.body).toMatchObject({ scimType: 'uniqueness' });
  });

  it('Filter for an existing User', async () => {
    const { id, userName } = await create('Users', newUser());
    expect(await find('Users', `userName eq "${userName}"`)).toMatchObject({ totalResults: 1, Resources: [{ id }] });
  });

  it('Filter for a non-existing User', async () => {
    expect(await find('Users', 'userName eq "4f2b1a04-nobody"')).toMatchObject({ totalResults: 0, Resources: [] });
  });

  it('Filter for an existing User with a different case', async () => {
    const { id, userName } = await create('Users', newUser());
    const found = await find('Users', `userName eq "${userName.toUpperCase()}"`);
    expect(found).toMatchObject({ totalResults: 1, Resources: [{ id, userName }] });
  });

  it('Update a User: replace attributes, in the verbose form', async () => {
    const { id } = await create('Users', newUser());
    const answer = await change(
      'Users',
      id,
      { op: 'Replace', path: 'displayName', value: 'Replaced' },
      { op: 'Replace', path: 'emails[type eq "work"].value', value: 'replaced@contoso.com' },
      { op: 'Replace', path: 'name.familyName', value: 'Newman' },
      { op: 'Replace', path: `${ENTERPRISE_URN}:department`, value: 'Legal' },
      { op: 'Replace', path: 'addresses[type eq "work"].country', value: 'FR' },
    );
    expect(answer.status).toBe(204);
    expect(await get('Users', id)).toMatchObject({
      displayName: 'Replaced',
      emails: [{ type: 'work', value: 'replaced@contoso.com', primary: true }],
      name: { familyName: 'Newman', givenName: 'Given' },
      [ENTERPRISE_URN]: { department: 'Legal' },
      addresses: [{ type: 'work', streetAddress: '1 Main St', country: 'FR' }],
    });
  });

  it('Update the userName of a User', async () => {
    const { id, userName } = await create('Users', newUser());
    await change('Users', id, { op: 'Replace', path: 'userName', value: `renamed.${userName}` });
    expect(await find('Users', `userName eq "renamed.${userName}"`)).toMatchObject({ Resources: [{ id }] });
    expect(await find('Users', `userName eq "${userName}"`)).toMatchObject({ totalResults: 0 });
  });

  it.each([[false], ['False']])('Disable a User, with %j', async (value) => {
    const { id, userName } = await create('Users', newUser());
    await change('Users', id, { op: 'Replace', path: 'active', value });
    expect((await get('Users', id)).active).toBe(false);
    expect(await find('Users', `userName eq "${userName}"`)).toMatchObject({ Resources: [{ id, active: false }] });
  });

  it('Update a User: add attributes, in the verbose form', async () => {
    const { id } = await create('Users', newUser());
    await change(
      'Users',
      id,
      { op: 'Add', path: 'title', value: 'Auditor' },
      { op: 'Add', path: 'phoneNumbers[type eq "mobile"].value', value: '+44 2' },
      { op: 'Add', path: `${ENTERPRISE_URN}:costCenter`, value: 'C1' },
    );
    const user = await get('Users', id);
    expect(user).toMatchObject({ title: 'Auditor', [ENTERPRISE_URN]: { department: 'Finance', costCenter: 'C1' } });
    expect(user.phoneNumbers).toEqual(
      expect.arrayContaining([expect.objectContaining({ type: 'mobile', value: '+44 2' })]),
    );
  });

  it('Add, replace and remove the manager of a User; an empty text removes', async () => {
    const path = `${ENTERPRISE_URN}:manager`;
    const [{ id }, first, second] = [
      await create('Users', newUser()),
      await create('Users', newUser()),
      await create('Users', newUser()),
    ];
    const managerOf = async () => (await get('Users', id))[ENTERPRISE_URN];
    await change('Users', id, { op: 'Add', path, value: first.id });
    expect(await managerOf()).toMatchObject({ manager: { value: first.id } });
    await change('Users', id, { op: 'Replace', path, value: second.id });
    expect(await managerOf()).toMatchObject({ manager: { value: second.id } });
    await change('Users', id, { op: 'Replace', path, value: '' });
    expect(await managerOf()).toEqual({ department: 'Finance' });
  });

  it('Delete a User', async () => {
    const { id } = await create('Users', newUser());
    expect((await scim.delete(`/scim/v2/Users/${id}`)).status).toBe(204);
    expectProblem(await scim.get(`/scim/v2/Users/${id}`), 404);
  });

  it('Update a User: several operations on different attributes', async () => {
    const { id } = await create('Users', newUser());
    await change(
      'Users',
      id,
      { op: 'Remove', path: 'phoneNumbers[type eq "work"]' },
      { op: 'Add', path: 'nickName', value: 'Nick' },
      { op: 'Replace', path: 'displayName', value: 'Several' },
    );
    const user = await get('Users', id);
    expect(user).toMatchObject({ nickName: 'Nick', displayName: 'Several' });
    expect(user.phoneNumbers).toBeUndefined();
  });

  it('Update a User: several operations on the same attribute, in their order', async () => {
    const { id } = await create('Users', newUser());
    await change(
      'Users',
      id,
      { op: 'Remove', path: 'displayName' },
      { op: 'Add', path: 'displayName', value: 'Added' },
      { op: 'Replace', path: 'displayName', value: 'Replaced' },
    );
    expect((await get('Users', id)).displayName).toBe('Replaced');
  });

  it('Delete a non-existent User, and delete the same User twice', async () => {
    expectProblem(await scim.delete('/scim/v2/Users/0193aaaa-0000-7000-8000-000000000000'), 404);
    const { id } = await create('Users', newUser());
    expect((await scim.delete(`/scim/v2/Users/${id}`)).status).toBe(204);
    expectProblem(await scim.delete(`/scim/v2/Users/${id}`), 404);
  });
});

describe('groups', () => {
  it('Create a new Group', async () => {
    const body = newGroup();
    expect(await create('Groups', body)).toMatchObject(body);
  });

  it('Create a duplicate Group', async () => {
    const body = newGroup();
    await create('Groups', body);
    expectProblem(await scim.post('/scim/v2/Groups', body), 409);
  });

  it('Get a Group by its id without its members', async () => {
    const { id: value } = await create('Users', newUser());
    const { id, displayName } = await create('Groups', { ...newGroup(), members: [{ value }] });
    const group = await get('Groups', id, '?excludedAttributes=members');
    expect(group).toMatchObject({ id, displayName });
    expect(group.members).toBeUndefined();
  });

  it('Filter for an existing Group, with and without its members', async () => {
    const { id: value } = await create('Users', newUser());
    const { id, displayName } = await create('Groups', { ...newGroup(), members: [{ value }] });
    const filter = `displayName eq "${displayName}"`;
    expect(await find('Groups', filter)).toMatchObject({ totalResults: 1, Resources: [{ id, members: [{ value }] }] });
    const [without] = (await find('Groups', filter, '&excludedAttributes=members')).Resources;
    expect(without).toMatchObject({ id });
    expect(without?.members).toBeUndefined();
  });

  it('Filter for a non-existing Group', async () => {
    expect(await find('Groups', 'displayName eq "nobody"')).toMatchObject({ totalResults: 0, Resources: [] });
  });

  it('Filter for an existing Group with a different case', async () => {
    const { id, displayName } = await create('Groups', newGroup());
    const found = await find('Groups', `displayName eq "${displayName.toUpperCase()}"`);
    expect(found).toMatchObject({ totalResults: 1, Resources: [{ id }] });
  });

  it('Update a Group: replace attributes', async () => {
    const { id } = await create('Groups', newGroup());
    const answer = await change('Groups', id, { op: 'Replace', path: 'displayName', value: `Renamed ${count}` });
    expect(answer.status).toBe(204);
    expect((await get('Groups', id)).displayName).toBe(`Renamed ${count}`);
  });

  it('Update the externalId of a Group', async () => {
    const { id } = await create('Groups', newGroup());
    await change('Groups', id, { op: 'Replace', path: 'externalId', value: `other-${count}` });
    expect((await get('Groups', id)).externalId).toBe(`other-${count}`);
  });

  it('Add a member to a Group, and remove it in the way of Entra ID, which takes no other away', async () => {
    const [stays, goes] = [await create('Users', newUser()), await create('Users', newUser())];
    const { id } = await create('Groups', newGroup());
    for (const { id: value } of [stays, goes]) {
      const added = await change('Groups', id, { op: 'Add', path: 'members', value: [{ $ref: null, value }] });
      expect(added.status).toBe(204);
    }
    await change('Groups', id, { op: 'Remove', path: 'members', value: [{ $ref: null, value: goes.id }] });
    expect((await get('Groups', id)).members).toMatchObject([{ value: stays.id }]);
  });

  it('Update a Group: several operations on its members', async () => {
    const [first, second] = [await create('Users', newUser()), await create('Users', newUser())];
    const { id } = await create('Groups', { ...newGroup(), members: [{ value: first.id }] });
    await change(
      'Groups',
      id,
      { op: 'Add', path: 'members', value: [{ value: second.id }] },
      { op: 'Remove', path: `members[value eq "${first.id}"]` },
    );
    expect((await get('Groups', id)).members).toMatchObject([{ value: second.id }]);
  });

  it('Delete a Group', async () => {
    const { id } = await create('Groups', newGroup());
    expect((await scim.delete(`/scim/v2/Groups/${id}`)).status).toBe(204);
    expectProblem(await scim.get(`/scim/v2/Groups/${id}`), 404);
  });

  it('Delete a non-existent Group, and delete the same Group twice', async () => {
    expectProblem(await scim.delete('/scim/v2/Groups/0193aaaa-0000-7000-8000-000000000000'), 404);
    const { id } = await create('Groups', newGroup());
    expect((await scim.delete(`/scim/v2/Groups/${id}`)).status).toBe(204);
    expectProblem(await scim.delete(`/scim/v2/Groups/${id}`), 404);
  });
});
