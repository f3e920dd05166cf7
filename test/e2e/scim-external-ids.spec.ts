import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createUser, makeScimWorld, patchOf, type ScimResourceBody, userBody } from '../support/scim-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

let rollcall: TestApp;
beforeAll(async () => {
  rollcall = await startApp();
});
afterAll(() => rollcall.stop());

interface List {
  totalResults: number;
  Resources: ScimResourceBody[];
}

const byExternalId = (value: string) =>
  `/scim/v2/Users?filter=${encodeURIComponent(`externalId eq "${value}"`)}&sortBy=userName`;

it('SCIM 11 by rfc an externalId that an active user has is refused, whether by POST or by PATCH', async () => {
  const { scim } = await makeScimWorld(rollcall);
  await createUser(scim, 'ada@example.com', { externalId: 'x-1' });
  const bob = await createUser(scim, 'bob@example.com', { externalId: 'x-2' });
  const posted = await scim.post('/scim/v2/Users', userBody('cy@example.com', { externalId: 'x-1' }));
  expect(posted).toMatchObject({ status: 409, body: { scimType: 'uniqueness' } });
  const patched = await scim.patch(
    `/scim/v2/Users/${bob.id}`,
    patchOf({ op: 'replace', path: 'externalId', value: 'x-1' }),
  );
  expect(patched).toMatchObject({ status: 409, body: { scimType: 'uniqueness' } });
});

it('SCIM 11 under entra several users show the same externalId, and are found by it', async () => {
  const { scim } = await makeScimWorld(rollcall, { preset: 'entra' });
  const ada = await createUser(scim, 'ada@example.com', { externalId: 'shared' });
  const bob = await createUser(scim, 'bob@example.com', { externalId: 'shared' });
  expect(bob.id).not.toBe(ada.id);
  expect((await scim.get<List>(byExternalId('shared'))).body).toMatchObject({
    totalResults: 2,
    Resources: [
      { id: ada.id, externalId: 'shared' },
      { id: bob.id, externalId: 'shared' },
    ],
  });
  // A change of something else neither takes the name away from the first nor fails for it.
  const path = `/scim/v2/Users/${bob.id}`;
  expect((await scim.patch(path, patchOf({ op: 'replace', path: 'title', value: 'Dr.' }))).status).toBe(204);
  expect((await scim.put(path, userBody('bob@example.com', { externalId: 'shared' }))).status).toBe(200);
  const rows: { id: string }[] = await rollcall.database.read.query('SELECT id FROM identities WHERE externalId = ?', [
    'shared',
  ]);
  expect(rows).toEqual([{ id: ada.id }]);
});

it('under entra a POST with a new userName makes a new user, though an inactive one has its externalId', async () => {
  const { scim } = await makeScimWorld(rollcall, { preset: 'entra' });
  const ada = await createUser(scim, 'ada@example.com', { externalId: 'x-9' });
  await scim.patch(`/scim/v2/Users/${ada.id}`, patchOf({ op: 'replace', path: 'active', value: 'False' }));
  expect((await createUser(scim, 'bob@example.com', { externalId: 'x-9' })).id).not.toBe(ada.id);
  expect((await createUser(scim, 'ada@example.com', { externalId: 'x-9' })).id).toBe(ada.id);
});

it('addresses are understood in any case, with a slash at the end, and by the name that Microsoft gives the configuration', async () => {
  const { scim } = await makeScimWorld(rollcall);
  const ada = await createUser(scim, 'ada@example.com');
  for (const path of ['/scim/v2/users', '/scim/v2/Users/', `/scim/v2/USERS/${ada.id}/`]) {
    expect({ path, status: (await fetchAs(scim.credential, path)).status }).toEqual({ path, status: 200 });
  }
  const config = await fetchAs(scim.credential, '/scim/v2/serviceConfiguration');
  expect(await config.json()).toMatchObject({ patch: { supported: true } });
});

/** Past the client of the tests, which looks the address up in the document of the API. */
function fetchAs(credential: string | null, path: string): Promise<Response> {
  return fetch(rollcall.url + path, { headers: { authorization: `Bearer ${credential}` } });
}
