import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { SYSTEM } from '../../src/ledger/ledger.service.js';
import { ProvisioningService } from '../../src/provisioning/provisioning.service.js';
import { ReplanChunk } from '../../src/provisioning/replan-chunk.js';
import { selectRows } from '../../src/platform/sql.js';
import type { HttpClient } from '../support/http-client.js';
import {
  createUser,
  makeScimWorld,
  patchOf,
  scimError,
  type ScimWorld,
  userBody,
  userPath,
} from '../support/scim-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

/** A directory whose people are known to logins by what their tokens call them. */
let rollcall: TestApp;
let world: ScimWorld;
let scim: HttpClient;

beforeAll(async () => {
  rollcall = await startApp();
});
beforeEach(async () => {
  world = await makeScimWorld(rollcall, { authority: 'token-first' });
  scim = world.scim;
});
afterAll(() => rollcall.stop());

/** A first login binds whoever SCIM calls `userName`; every login says what the token calls them. */
async function logIn(subject: string, userName: string, named: string): Promise<void> {
  const { tenantId, connectionId } = world;
  const settled = await rollcall.app.get(ProvisioningService).submit({
    tenantId,
    statement: {
      connectionId,
      voice: 'token',
      at: 0,
      newest: true,
      externalId: null,
      subject,
      fields: { 'claims.preferred_username': named },
      overage: [],
      complete: false,
      match: [{ field: 'userName', value: userName }],
    },
    purpose: 'login',
    via: 'login',
    actor: null,
  });
  expect(settled).toMatchObject({ kind: 'planned', outcome: { result: 'updated' } });
}

async function nameKeyOf({ id }: { id: string }): Promise<unknown> {
  const [row] = await selectRows(rollcall.database.read, 'SELECT userNameKey FROM identities WHERE id = ?', [id]);
  return row?.userNameKey;
}

/** Alone: nobody else of the connection is in the chunk. */
async function replan({ id }: { id: string }): Promise<void> {
  const chunk = rollcall.app.get(ReplanChunk);
  const policy = await chunk.findPolicy(world.connectionId);
  const [row] = await selectRows(rollcall.database.read, 'SELECT userId FROM identities WHERE id = ?', [id]);
  if (!policy) throw new Error('The connection is gone.');
  await chunk.apply(policy, [String(row?.userId)], { actor: SYSTEM, removals: 'write' }, async (_, { failed }) => {
    expect(failed).toBe(0);
  });
}

async function createKnownOtherwise() {
  const ada = await createUser(scim, 'ada@example.com');
  await logIn('s-1', 'ada@example.com', 'ada.l');
  expect(await nameKeyOf(ada)).toBe('ada.l');
  return ada;
}

const rename = (user: { id: string }, userName: string) =>
  scim.patch(userPath(user), patchOf({ op: 'replace', path: 'userName', value: userName }));
const countNamed = async (userName: string) => {
  const filter = encodeURIComponent(`userName eq "${userName}"`);
  return (await scim.get<{ totalResults: number }>(`/scim/v2/Users?filter=${filter}`)).body.totalResults;
};

it('SCIM 20 a userName is taken though a token calls its holder otherwise, by POST, PATCH and PUT', async () => {
  const ada = await createKnownOtherwise();
  const answers = await Promise.all(
    Array.from({ length: 4 }, () => scim.post('/scim/v2/Users', userBody('Ada@Example.com'))),
  );
  for (const { body } of answers) expect(body).toMatchObject(scimError(409, 'uniqueness'));
  const bob = await createUser(scim, 'bob@example.com');
  await logIn('s-2', 'bob@example.com', 'bob.b');
  expect((await rename(bob, 'ada@example.com')).body).toMatchObject(scimError(409, 'uniqueness'));
  const put = await scim.put(userPath(bob), userBody('ada@example.com'));
  expect(put.body).toMatchObject(scimError(409, 'uniqueness'));
  expect(await countNamed('ada@example.com')).toBe(1);
  // To say their own name again takes it from nobody.
  expect((await rename(ada, 'ADA@example.com')).body).toMatchObject({ userName: 'ADA@example.com' });
});

it('SCIM 20 of two who are given one userName at once one has it', async () => {
  const users = [await createUser(scim, 'cy@example.com'), await createUser(scim, 'di@example.com')];
  await logIn('s-1', 'cy@example.com', 'cy.c');
  await logIn('s-2', 'di@example.com', 'di.d');
  const answers = await Promise.all(users.map((user) => rename(user, 'new@example.com')));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  expect(await countNamed('new@example.com')).toBe(1);
});

it.each([true, false])(
  'SCIM 30 a POST of what only a token calls somebody (active: %j) makes another user, who is told as any',
  async (active) => {
    const ada = await createKnownOtherwise();
    if (!active) await scim.patch(userPath(ada), patchOf({ op: 'replace', path: 'active', value: false }));
    const namesake = await createUser(scim, 'ada.l');
    expect(namesake.id).not.toBe(ada.id);
    expect((await scim.get(userPath(ada))).body).toMatchObject({ userName: 'ada@example.com', active });
    expect(await countNamed('ada.l')).toBe(1);
    expect((await scim.post('/scim/v2/Users', userBody('ada.l'))).status).toBe(409);
    // Logins find the one who had the name first, until it is free.
    expect(await nameKeyOf(namesake)).toBeNull();
    const titled = patchOf({ op: 'add', path: 'title', value: 'Dr.' });
    expect(await scim.patch(userPath(namesake), titled)).toMatchObject({ status: 200, body: { title: 'Dr.' } });
    await replan(namesake);
    expect(await nameKeyOf(namesake)).toBeNull();
    if (!active) return;
    await logIn('s-1', 'ada@example.com', 'ada.two');
    await replan(namesake);
    expect(await nameKeyOf(namesake)).toBe('ada.l');
  },
);

it('SCIM 20 filters find what the last of several changes at once left, whether or not one of them was of the name', async () => {
  const set = (attribute: string, value: string) => ({ op: 'replace', path: attribute, value });
  const changes = [
    set('displayName', 'First'),
    set('userName', 'eve.two'),
    set('displayName', 'Second'),
    set('userName', 'eve.three'),
    set('displayName', 'Third'),
  ];
  for (const some of [changes.slice(0, 1), changes.slice(0, 3), changes]) {
    const eve = await createUser(scim, `eve-${some.length}`);
    const answers = await Promise.all(some.map((each) => scim.patch(userPath(eve), patchOf(each))));
    expect(answers.map(({ status }) => status)).toEqual(some.map(() => 200));
    const { body } = await scim.get<{ userName: string; displayName: string }>(userPath(eve));
    for (const [name, value] of Object.entries({ userName: body.userName, displayName: body.displayName })) {
      const filter = encodeURIComponent(`id eq "${eve.id}" and ${name} eq "${value}"`);
      expect((await scim.get(`/scim/v2/Users?filter=${filter}`)).body).toMatchObject({ totalResults: 1 });
    }
    await scim.delete(userPath(eve));
  }
});
