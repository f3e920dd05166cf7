import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { HttpClient } from '../support/http-client.js';
import {
  createUser,
  ENTERPRISE_URN,
  FULL_USER,
  makeScimWorld,
  patchOf,
  scimError,
  type ScimResourceBody,
  type ScimWorld,
  USER_URN,
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
const freshName = () => `user-${++count}@example.com`;

describe('POST /Users', () => {
  it('SCIM 29 answers 201 with the whole user, Location and ETag; what is readOnly is passed over', async () => {
    const answer = await scim.post<ScimResourceBody>('/scim/v2/Users', {
      ...userBody('Ada@Example.com', FULL_USER),
      schemas: [ENTERPRISE_URN.toUpperCase(), USER_URN],
      id: 'mine',
      meta: { resourceType: 'Fake', created: '2001-01-01T00:00:00Z' },
      groups: [{ value: 'admins' }],
    });
    expect(answer.status).toBe(201);
    const { id, meta, ...rest } = answer.body;
    expect(rest).toEqual({
      schemas: [USER_URN, ENTERPRISE_URN],
      userName: 'Ada@Example.com',
      active: true,
      ...FULL_USER,
    });
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(meta.resourceType).toBe('User');
    expect(meta.created).toBe(meta.lastModified);
    expect(answer.headers.get('location')).toBe(meta.location);
    expect(meta.location.endsWith(`/scim/v2/Users/${id}`)).toBe(true);
    expect(answer.headers.get('etag')).toBe(meta.version);
    expect(meta.version).toBe('W/"1"');
    const again = await scim.get<ScimResourceBody>(userPath({ id }));
    expect(again.body).toEqual(answer.body);
    expect(again.headers.get('content-location')).toBe(meta.location);
  });

  it('SCIM 21 a password is never told, stored or logged', async () => {
    const answer = await scim.post<ScimResourceBody>(
      '/scim/v2/Users',
      userBody(freshName(), { password: 's3cr3t-pw' }),
    );
    expect(answer.status).toBe(201);
    await scim.patch(userPath(answer.body), patchOf({ op: 'replace', path: 'password', value: 's3cr3t-pw' }));
    expect(JSON.stringify([answer.body, await read(answer.body)])).not.toContain('s3cr3t');
    for (const table of ['identities', 'users', 'events']) {
      expect(JSON.stringify(await rollcall.database.read.query(`SELECT * FROM ${table}`))).not.toContain('s3cr3t');
    }
  });

  it('SCIM 20 a userName is unique without regard to case or form, and keeps the case it came in', async () => {
    await createUser(scim, 'Ünïque@Example.com');
    for (const name of [
      'ünïque@example.com',
      'ÜNÏQUE@EXAMPLE.COM',
      'U\u0308ni\u0308que@example.com',
      'Ünïque@Example.com',
    ]) {
      const answer = await scim.post('/scim/v2/Users', userBody(name));
      expect(answer.body).toMatchObject(scimError(409, 'uniqueness'));
    }
    expect((await scim.post('/scim/v2/Users', userBody('unique@example.com'))).status).toBe(201);
  });

  it('SCIM 11 an externalId is case exact and of its directory', async () => {
    await createUser(scim, freshName(), { externalId: 'Ext' });
    expect((await scim.post('/scim/v2/Users', userBody(freshName(), { externalId: 'ext' }))).status).toBe(201);
    const same = await scim.post('/scim/v2/Users', userBody(freshName(), { externalId: 'Ext' }));
    expect(same.body).toMatchObject(scimError(409, 'uniqueness'));
    const other = await makeScimWorld(rollcall);
    expect((await other.scim.post('/scim/v2/Users', userBody(freshName(), { externalId: 'Ext' }))).status).toBe(201);
  });

  it('SCIM 30 of 20 identical POSTs at once one is 201 and the others 409', async () => {
    for (const more of [{ externalId: 'storm-1' }, {}, { externalId: 'storm-2', active: false }]) {
      const body = userBody(freshName(), more);
      const answers = await Promise.all(Array.from({ length: 20 }, () => scim.post('/scim/v2/Users', body)));
      expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(19).fill(409)]);
      for (const answer of answers)
        if (answer.status === 409) expect(answer.body).toMatchObject(scimError(409, 'uniqueness'));
    }
  });

  it('SCIM 30 for somebody who was switched off it revives them: 201, the same id, and what the POST says', async () => {
    const user = await createUser(scim, freshName(), { externalId: 'back', title: 'Old' });
    await scim.patch(userPath(user), patchOf({ op: 'replace', path: 'active', value: false }));
    const answers = await Promise.all(
      Array.from({ length: 5 }, () =>
        scim.post<ScimResourceBody>('/scim/v2/Users', userBody(user.userName, { externalId: 'back', nickName: 'New' })),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
    const revived = answers.find(({ status }) => status === 201)?.body as ScimResourceBody;
    expect(revived).toMatchObject({ id: user.id, active: true, nickName: 'New' });
    expect(revived).not.toHaveProperty('title');
    expect(revived.meta.version).toBe('W/"3"');
    expect(await read(user)).toEqual(revived);
  });

  it('takes over somebody whom a push or a login brought, and shows nobody before', async () => {
    const sync = await rollcall.clientWith(world.tenantId, ['users:sync'], world.connectionId);
    const name = freshName();
    await sync.post('/users/sync', { externalId: 'pushed', userName: name, active: true });
    const hidden = await scim.get<{ totalResults: number }>(`/scim/v2/Users?filter=externalId%20eq%20%22pushed%22`);
    expect(hidden.body.totalResults).toBe(0);
    const [row] = await rollcall.database.read.query(`SELECT id FROM identities WHERE externalId = 'pushed'`);
    expect((await scim.get(`/scim/v2/Users/${row.id}`)).status).toBe(404);
    const taken = await createUser(scim, name, { externalId: 'pushed' });
    expect(taken.id).toBe(row.id);
  });

  it.each([
    ['userName', { userName: 'x'.repeat(256) }],
    ['externalId', { userName: 'long@example.com', externalId: 'x'.repeat(256) }],
  ])('refuses a %s that is longer than it can be kept, and keeps one that is not', async (name, body) => {
    const refused = await scim.post('/scim/v2/Users', { schemas: [USER_URN], ...body });
    expect(refused.body).toMatchObject(scimError(400, 'invalidValue'));
    const value = `${name}-`.padEnd(255, 'ß');
    const kept = await scim.post<ScimResourceBody>('/scim/v2/Users', {
      schemas: [USER_URN],
      userName: freshName(),
      [name]: value,
    });
    expect([kept.status, kept.body[name]]).toEqual([201, value]);
    const filter = encodeURIComponent(`${name} eq "${value}"`);
    expect((await scim.get<{ totalResults: number }>(`/scim/v2/Users?filter=${filter}`)).body.totalResults).toBe(1);
  });
});

describe('GET /Users/{id}', () => {
  it('SCIM 57 tells what is asked for', async () => {
    const user = await createUser(scim, freshName(), { title: 'T', emails: [{ value: 'a@b.example', type: 'work' }] });
    const some = await scim.get(`${userPath(user)}?attributes=title,emails.value`);
    expect(some.body).toEqual({ schemas: [USER_URN], id: user.id, title: 'T', emails: [{ value: 'a@b.example' }] });
    const but = await scim.get(`${userPath(user)}?excludedAttributes=meta,emails`);
    expect(but.body).toEqual({ schemas: [USER_URN], id: user.id, userName: user.userName, title: 'T', active: true });
    expect(but.headers.get('etag')).toBe(user.meta.version);
  });

  it('SCIM 60 with If-None-Match of its version it is 304 without a body', async () => {
    const user = await createUser(scim, freshName());
    for (const etag of ['W/"1"', '"1"', '*', '"7", W/"1"']) {
      const answer = await scim.get<unknown>(userPath(user), { 'if-none-match': etag });
      expect([answer.status, answer.body, answer.headers.get('etag')]).toEqual([304, '', 'W/"1"']);
    }
    expect((await scim.get(userPath(user), { 'if-none-match': 'W/"2"' })).status).toBe(200);
  });

  it('SCIM 22 shows who is switched off', async () => {
    const user = await createUser(scim, freshName(), { active: false });
    expect((await read(user)).active).toBe(false);
    const filter = encodeURIComponent(`userName eq "${user.userName}" and active eq false`);
    expect((await scim.get<{ totalResults: number }>(`/scim/v2/Users?filter=${filter}`)).body.totalResults).toBe(1);
  });
});

describe('what follows from a SCIM user', () => {
  it('is a user of Rollcall with that profile, told in the ledger as done by SCIM', async () => {
    const name = freshName();
    await createUser(scim, name, {
      displayName: 'Grace Hopper',
      emails: [{ value: 'grace@navy.example', primary: true }],
    });
    const admin = await rollcall.clientWith(world.tenantId, ['users:read', 'audit:read']);
    const { body } = await admin.get<{ items: Record<string, unknown>[] }>(`/users?q=${encodeURIComponent(name)}`);
    expect(body.items).toMatchObject([{ userName: name, displayName: 'Grace Hopper', email: 'grace@navy.example' }]);
    const [event] = await rollcall.database.read.query('SELECT type, via FROM events WHERE subjectId = ?', [
      body.items[0]?.id,
    ]);
    expect(event).toEqual({ type: 'user.created', via: 'scim' });
  });
});
