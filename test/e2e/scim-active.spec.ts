import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { HttpClient } from '../support/http-client.js';
import {
  createUser,
  makeScimWorld,
  patchOf,
  type ScimResourceBody,
  type ScimWorld,
  userBody,
  userPath,
} from '../support/scim-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

let rollcall: TestApp;
let world: ScimWorld;
let scim: HttpClient;

beforeAll(async () => {
  rollcall = await startApp();
  world = await makeScimWorld(rollcall);
  scim = world.scim;
});
afterAll(() => rollcall.stop());

const read = async (user: Pick<ScimResourceBody, 'id'>) => (await scim.get<ScimResourceBody>(userPath(user))).body;
let count = 0;
const freshName = () => `active-${++count}@example.com`;

describe('active', () => {
  it.each([true, false])(
    'SCIM 41 is removed as any attribute is, which switches nobody on or off (%j)',
    async (active) => {
      const user = await createUser(scim, freshName(), { active });
      const answer = await scim.patch<ScimResourceBody>(userPath(user), patchOf({ op: 'remove', path: 'active' }));
      expect(answer.status).toBe(200);
      expect(answer.body).not.toHaveProperty('active');
      expect(await read(user)).toEqual(answer.body);
      const [identity] = await rollcall.database.read.query('SELECT active FROM identities WHERE id = ?', [user.id]);
      expect(Boolean(identity.active)).toBe(active);
      const found = async (filter: string) => {
        const text = encodeURIComponent(`id eq "${user.id}" and ${filter}`);
        return (await scim.get<{ totalResults: number }>(`/scim/v2/Users?filter=${text}`)).body.totalResults;
      };
      const filters = ['active eq true', 'active eq false', 'active pr', 'not (active pr)', 'active ne true'];
      expect(await Promise.all(filters.map(found))).toEqual([0, 0, 0, 1, 1]);
      await scim.put(userPath(user), userBody(user.userName, { title: 'Still' }));
      const [same] = await rollcall.database.read.query('SELECT active FROM identities WHERE id = ?', [user.id]);
      expect(Boolean(same.active)).toBe(active);
      await scim.patch(userPath(user), patchOf({ op: 'add', path: 'active', value: true }));
      expect(await read(user)).toMatchObject({ active: true, title: 'Still' });
      expect(await found('active eq true')).toBe(1);
    },
  );
});

describe('a user whom another push switched off', () => {
  it('SCIM 22 is told so by GET, lists and filters, as a new version, and is on again when that push says so', async () => {
    const user = await createUser(scim, freshName(), { externalId: 'told' });
    const removed = await createUser(scim, freshName(), { externalId: 'says-neither' });
    await scim.patch(userPath(removed), patchOf({ op: 'remove', path: 'active' }));
    const sync = await rollcall.clientWith(world.tenantId, ['users:sync'], world.connectionId);
    const find = async (filter: string, more = '') => {
      const text = encodeURIComponent(`id eq "${user.id}" and ${filter}`);
      return (await scim.get<{ totalResults: number; Resources: object[] }>(`/scim/v2/Users?filter=${text}${more}`))
        .body;
    };
    let { version, lastModified } = user.meta;
    for (const active of [false, true]) {
      const { body } = await sync.post<{ results: object[] }>('/users/sync', [
        { externalId: 'told', active },
        { externalId: 'says-neither', active },
      ]);
      expect(body).toMatchObject({ counts: { failed: 0 } });
      const answer = await scim.get<ScimResourceBody>(userPath(user), { 'if-none-match': version });
      expect(answer).toMatchObject({ status: 200, body: { active } });
      expect(await find(`active eq ${active}`)).toMatchObject({ totalResults: 1, Resources: [answer.body] });
      expect(await find(`active eq ${!active}`)).toMatchObject({ totalResults: 0 });
      const since = encodeURIComponent(` and meta.lastModified gt "${lastModified}"`);
      expect(await find('active pr', since)).toMatchObject({ totalResults: 1, Resources: [{ active }] });
      const stale = await scim.patch(userPath(user), patchOf({ op: 'add', path: 'title', value: 'T' }), {
        'if-match': version,
      });
      expect(stale.status).toBe(412);
      ({ version, lastModified } = answer.body.meta);
      expect(await read(removed)).not.toHaveProperty('active');
    }
  });

  it('stays off when SCIM says something else of them, and is on when it says so', async () => {
    const user = await createUser(scim, freshName(), { externalId: 'leaver' });
    const sync = await rollcall.clientWith(world.tenantId, ['users:sync'], world.connectionId);
    await sync.post('/users/sync', { externalId: 'leaver', active: false });
    const isActive = async () => {
      const [row] = await rollcall.database.read.query('SELECT active FROM identities WHERE id = ?', [user.id]);
      return Boolean(row.active);
    };
    expect(await isActive()).toBe(false);
    await scim.patch(userPath(user), patchOf({ op: 'add', path: 'title', value: 'T' }));
    expect(await isActive()).toBe(false);
    expect(await read(user)).toMatchObject({ title: 'T', active: false });
    await scim.put(userPath(user), userBody(user.userName, { externalId: 'leaver', title: 'U' }));
    expect(await isActive()).toBe(false);
    await scim.patch(userPath(user), patchOf({ op: 'replace', path: 'active', value: true }));
    expect(await isActive()).toBe(true);
  });
});
