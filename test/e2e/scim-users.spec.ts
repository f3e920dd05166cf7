import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/platform/ids.js';
import type { HttpClient } from '../support/http-client.js';
import {
  createUser,
  ENTERPRISE_URN,
  ERROR_URN,
  makeScimWorld,
  patchOf,
  type ScimResourceBody,
  type ScimWorld,
  USER_URN,
  userBody,
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

const pathOf = ({ id }: Pick<ScimResourceBody, 'id'>) => `/scim/v2/Users/${id}`;
const read = async (user: Pick<ScimResourceBody, 'id'>) => (await scim.get<ScimResourceBody>(pathOf(user))).body;
const error = (status: number, scimType?: string) => ({
  schemas: [ERROR_URN],
  status: String(status),
  ...(scimType ? { scimType } : {}),
});
let count = 0;
const freshName = () => `user-${++count}@example.com`;

const FULL = {
  externalId: 'u-1001',
  name: { givenName: 'Ada', familyName: 'Lovelace', formatted: 'Ada Lovelace' },
  displayName: 'Ada L.',
  title: 'Countess',
  emails: [
    { value: 'Ada@Example.com', type: 'work', primary: true },
    { value: 'ada@home.example', type: 'home' },
  ],
  phoneNumbers: [{ value: '+44 1', type: 'mobile' }],
  [ENTERPRISE_URN]: { department: 'Engines', manager: { value: 'm-1' } },
};

describe('POST /Users', () => {
  it('SCIM 29 answers 201 with the whole user, Location and ETag; what is readOnly is passed over', async () => {
    const answer = await scim.post<ScimResourceBody>('/scim/v2/Users', {
      ...userBody('Ada@Example.com', FULL),
      schemas: [ENTERPRISE_URN.toUpperCase(), USER_URN],
      id: 'mine',
      meta: { resourceType: 'Fake', created: '2001-01-01T00:00:00Z' },
      groups: [{ value: 'admins' }],
    });
    expect(answer.status).toBe(201);
    const { id, meta, ...rest } = answer.body;
    expect(rest).toEqual({ schemas: [USER_URN, ENTERPRISE_URN], userName: 'Ada@Example.com', active: true, ...FULL });
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(meta.resourceType).toBe('User');
    expect(meta.created).toBe(meta.lastModified);
    expect(answer.headers.get('location')).toBe(meta.location);
    expect(meta.location.endsWith(`/scim/v2/Users/${id}`)).toBe(true);
    expect(answer.headers.get('etag')).toBe(meta.version);
    expect(meta.version).toBe('W/"1"');
    const again = await scim.get<ScimResourceBody>(pathOf({ id }));
    expect(again.body).toEqual(answer.body);
    expect(again.headers.get('content-location')).toBe(meta.location);
  });

  it('SCIM 21 a password is never told, stored or logged', async () => {
    const answer = await scim.post<ScimResourceBody>(
      '/scim/v2/Users',
      userBody(freshName(), { password: 's3cr3t-pw' }),
    );
    expect(answer.status).toBe(201);
    await scim.patch(pathOf(answer.body), patchOf({ op: 'replace', path: 'password', value: 's3cr3t-pw' }));
    expect(JSON.stringify([answer.body, await read(answer.body)])).not.toContain('s3cr3t');
    for (const table of ['identities', 'users', 'events', 'event_personal']) {
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
      expect(answer.body).toMatchObject(error(409, 'uniqueness'));
    }
    expect((await scim.post('/scim/v2/Users', userBody('unique@example.com'))).status).toBe(201);
  });

  it('SCIM 11 an externalId is case exact and of its directory', async () => {
    await createUser(scim, freshName(), { externalId: 'Ext' });
    expect((await scim.post('/scim/v2/Users', userBody(freshName(), { externalId: 'ext' }))).status).toBe(201);
    const same = await scim.post('/scim/v2/Users', userBody(freshName(), { externalId: 'Ext' }));
    expect(same.body).toMatchObject(error(409, 'uniqueness'));
    const other = await makeScimWorld(rollcall);
    expect((await other.scim.post('/scim/v2/Users', userBody(freshName(), { externalId: 'Ext' }))).status).toBe(201);
  });

  it('SCIM 30 of 20 identical POSTs at once one is 201 and the others 409', async () => {
    for (const more of [{ externalId: 'storm-1' }, {}, { externalId: 'storm-2', active: false }]) {
      const body = userBody(freshName(), more);
      const answers = await Promise.all(Array.from({ length: 20 }, () => scim.post('/scim/v2/Users', body)));
      expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(19).fill(409)]);
      for (const answer of answers)
        if (answer.status === 409) expect(answer.body).toMatchObject(error(409, 'uniqueness'));
    }
  });

  it('SCIM 30 for somebody who was switched off it revives them: 201, the same id, and what the POST says', async () => {
    const user = await createUser(scim, freshName(), { externalId: 'back', title: 'Old' });
    await scim.patch(pathOf(user), patchOf({ op: 'replace', path: 'active', value: false }));
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
    expect(refused.body).toMatchObject(error(400, 'invalidValue'));
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
    const some = await scim.get(`${pathOf(user)}?attributes=title,emails.value`);
    expect(some.body).toEqual({ schemas: [USER_URN], id: user.id, title: 'T', emails: [{ value: 'a@b.example' }] });
    const but = await scim.get(`${pathOf(user)}?excludedAttributes=meta,emails`);
    expect(but.body).toEqual({ schemas: [USER_URN], id: user.id, userName: user.userName, title: 'T', active: true });
    expect(but.headers.get('etag')).toBe(user.meta.version);
  });

  it('SCIM 60 with If-None-Match of its version it is 304 without a body', async () => {
    const user = await createUser(scim, freshName());
    for (const etag of ['W/"1"', '"1"', '*', '"7", W/"1"']) {
      const answer = await scim.get<unknown>(pathOf(user), { 'if-none-match': etag });
      expect([answer.status, answer.body, answer.headers.get('etag')]).toEqual([304, '', 'W/"1"']);
    }
    expect((await scim.get(pathOf(user), { 'if-none-match': 'W/"2"' })).status).toBe(200);
  });

  it('SCIM 22 shows who is switched off', async () => {
    const user = await createUser(scim, freshName(), { active: false });
    expect((await read(user)).active).toBe(false);
    const filter = encodeURIComponent(`userName eq "${user.userName}" and active eq false`);
    expect((await scim.get<{ totalResults: number }>(`/scim/v2/Users?filter=${filter}`)).body.totalResults).toBe(1);
  });
});

describe('active', () => {
  it.each([true, false])(
    'SCIM 41 is removed as any attribute is, which switches nobody on or off (%j)',
    async (active) => {
      const user = await createUser(scim, freshName(), { active });
      const answer = await scim.patch<ScimResourceBody>(pathOf(user), patchOf({ op: 'remove', path: 'active' }));
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
      await scim.put(pathOf(user), userBody(user.userName, { title: 'Still' }));
      const [same] = await rollcall.database.read.query('SELECT active FROM identities WHERE id = ?', [user.id]);
      expect(Boolean(same.active)).toBe(active);
      await scim.patch(pathOf(user), patchOf({ op: 'add', path: 'active', value: true }));
      expect(await read(user)).toMatchObject({ active: true, title: 'Still' });
      expect(await found('active eq true')).toBe(1);
    },
  );
});

describe('PUT /Users/{id}', () => {
  it('SCIM 32 replaces: what it leaves out is gone, and what is readOnly stays', async () => {
    const user = await createUser(scim, freshName(), { ...FULL, externalId: 'put-1' });
    const answer = await scim.put<ScimResourceBody>(pathOf(user), {
      ...userBody(user.userName, { externalId: 'put-1', nickName: 'Nick' }),
      id: newId(),
    });
    expect(answer.status).toBe(200);
    const { meta, ...rest } = answer.body;
    expect(rest).toEqual({
      schemas: [USER_URN],
      id: user.id,
      externalId: 'put-1',
      userName: user.userName,
      nickName: 'Nick',
      active: true,
    });
    expect(meta).toMatchObject({ created: user.meta.created, version: 'W/"2"' });
    expect(meta.lastModified > user.meta.lastModified).toBe(true);
    expect(await read(user)).toEqual(answer.body);
    const filter = encodeURIComponent('emails.value eq "ada@home.example" and externalId eq "put-1"');
    expect((await scim.get<{ totalResults: number }>(`/scim/v2/Users?filter=${filter}`)).body.totalResults).toBe(0);
  });

  it('SCIM 32 never creates, and never switches on or off by what it leaves out', async () => {
    expect((await scim.put(`/scim/v2/Users/${newId()}`, userBody(freshName()))).body).toMatchObject(error(404));
    const user = await createUser(scim, freshName(), { active: false });
    await scim.put(pathOf(user), userBody(user.userName, { title: 'x' }));
    expect((await read(user)).active).toBe(false);
  });

  it('SCIM 13 one that says nothing new keeps version and lastModified', async () => {
    const user = await createUser(scim, freshName(), { ...FULL, externalId: undefined });
    const body = { ...FULL, externalId: undefined, emails: [...FULL.emails].map((one) => ({ ...one })) };
    const answer = await scim.put<ScimResourceBody>(pathOf(user), userBody(user.userName, body));
    expect(answer.body).toEqual(user);
    expect(answer.headers.get('etag')).toBe('W/"1"');
  });

  it('SCIM 30 of a name that another has is 409, and nothing is changed', async () => {
    const [one, two] = [await createUser(scim, freshName()), await createUser(scim, freshName())];
    const answer = await scim.put(pathOf(two), userBody(one.userName.toUpperCase()));
    expect(answer.body).toMatchObject(error(409, 'uniqueness'));
    const patch = await scim.patch(pathOf(two), patchOf({ op: 'replace', path: 'userName', value: one.userName }));
    expect(patch.body).toMatchObject(error(409, 'uniqueness'));
    const flat = await scim.patch(pathOf(two), patchOf({ op: 'replace', value: { userName: one.userName } }));
    expect(flat.body).toMatchObject(error(409, 'uniqueness'));
    expect(await read(two)).toEqual(two);
  });
});

describe('PATCH /Users/{id}', () => {
  it('SCIM 36 answers 200 with the whole user; a preset may ask for 204, and attributes for a body all the same', async () => {
    const user = await createUser(scim, freshName());
    const answer = await scim.patch<ScimResourceBody>(pathOf(user), patchOf({ op: 'add', path: 'title', value: 'T' }));
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ id: user.id, title: 'T' });
    expect(answer.headers.get('etag')).toBe('W/"2"');
    expect(await read(user)).toEqual(answer.body);
    const some = await scim.patch(
      `${pathOf(user)}?attributes=title`,
      patchOf({ op: 'replace', path: 'title', value: 'U' }),
    );
    expect(some.body).toEqual({ schemas: [USER_URN], id: user.id, title: 'U' });
  });

  it('SCIM 35 is all or nothing', async () => {
    const user = await createUser(scim, freshName());
    const answer = await scim.patch(
      pathOf(user),
      patchOf({ op: 'add', path: 'title', value: 'T' }, { op: 'replace', path: 'id', value: 'x' }),
    );
    expect(answer.body).toMatchObject(error(400, 'mutability'));
    expect(await read(user)).toEqual(user);
  });

  it('SCIM 13 one that changes nothing keeps version and lastModified', async () => {
    const user = await createUser(scim, freshName(), { emails: [{ value: 'a@b.example', type: 'work' }] });
    const answer = await scim.patch(
      pathOf(user),
      patchOf(
        { op: 'add', path: 'emails', value: [{ value: 'a@b.example', type: 'work' }] },
        { op: 'add', path: 'title', value: 'T' },
        { op: 'remove', path: 'title' },
      ),
    );
    expect(answer.body).toEqual(user);
  });

  it('SCIM 35 of 20 at once about 20 attributes none is lost', async () => {
    const user = await createUser(scim, freshName());
    const parts = ['title', 'nickName', 'locale', 'userType', 'timezone'];
    const operations = [
      ...parts.map((path) => ({
        op: 'add',
        path,
        value: path === 'locale' ? 'en-GB' : path === 'timezone' ? 'Europe/Paris' : path,
      })),
      ...Array.from({ length: 15 }, (_, i) => ({
        op: 'add',
        path: 'emails',
        value: [{ value: `p${i}@example.com`, type: 'other' }],
      })),
    ];
    const answers = await Promise.all(operations.map((each) => scim.patch(pathOf(user), patchOf(each))));
    expect(answers.map(({ status }) => status)).toEqual(Array<number>(20).fill(200));
    const after = await read(user);
    expect(Object.keys(after)).toEqual(expect.arrayContaining(parts));
    expect(after.emails).toHaveLength(15);
    expect(after.meta.version).toBe('W/"21"');
  });

  it('finds by what it has become, at once', async () => {
    const user = await createUser(scim, freshName(), {
      displayName: 'Before',
      emails: [{ value: 'before@x.example' }],
    });
    const renamed = freshName();
    await scim.patch(
      pathOf(user),
      patchOf({
        op: 'replace',
        value: {
          userName: renamed,
          displayName: 'After',
          emails: [{ value: 'after@x.example' }],
          externalId: 'after-x',
        },
      }),
    );
    const find = async (filter: string) =>
      (await scim.get<{ totalResults: number }>(`/scim/v2/Users?filter=${encodeURIComponent(filter)}`)).body
        .totalResults;
    for (const filter of [
      `userName eq "${renamed}"`,
      'emails.value eq "after@x.example"',
      'externalId eq "after-x"',
      'displayName eq "after"',
    ]) {
      expect([filter, await find(filter)]).toEqual([filter, 1]);
    }
    for (const filter of [
      `userName eq "${user.userName}"`,
      'emails.value eq "before@x.example"',
      'displayName eq "before"',
    ]) {
      expect([filter, await find(filter)]).toEqual([filter, 0]);
    }
  });
});

describe('DELETE /Users/{id}', () => {
  it('SCIM 33 is 204 without a body; afterwards everything is 404, and the name can be used at once', async () => {
    const user = await createUser(scim, freshName(), { externalId: 'gone', emails: [{ value: 'gone@x.example' }] });
    const gone = await scim.delete<unknown>(pathOf(user));
    expect([gone.status, gone.body]).toEqual([204, '']);
    for (const answer of [
      await scim.get(pathOf(user)),
      await scim.put(pathOf(user), userBody(user.userName)),
      await scim.patch(pathOf(user), patchOf({ op: 'add', path: 'title', value: 'T' })),
      await scim.delete(pathOf(user)),
    ]) {
      expect(answer.body).toMatchObject(error(404));
    }
    for (const table of ['scim_users', 'scim_emails']) {
      const rows = await rollcall.database.read.query(`SELECT * FROM ${table} WHERE identityId = ?`, [user.id]);
      expect(rows).toEqual([]);
    }
    const again = await createUser(scim, user.userName, { externalId: 'gone' });
    expect(again.id).not.toBe(user.id);
  });

  it('SCIM 33 of several at once one is 204 and the others 404', async () => {
    const user = await createUser(scim, freshName());
    const answers = await Promise.all(Array.from({ length: 8 }, () => scim.delete(pathOf(user))));
    expect(answers.map(({ status }) => status).sort()).toEqual([204, ...Array<number>(7).fill(404)]);
  });
});

describe('versions', () => {
  it('SCIM 60 If-Match of another version is 412 and changes nothing; of its own, weak or strong, it is done', async () => {
    const user = await createUser(scim, freshName());
    const stale = { 'if-match': 'W/"0"' };
    const patch = (value: string, headers: Record<string, string>) =>
      scim.patch(pathOf(user), patchOf({ op: 'replace', path: 'title', value }), headers);
    expect((await scim.put(pathOf(user), userBody(user.userName, { title: 'x' }), stale)).body).toMatchObject(
      error(412),
    );
    expect((await patch('x', stale)).body).toMatchObject(error(412));
    expect((await scim.delete(pathOf(user), stale)).body).toMatchObject(error(412));
    expect(await read(user)).toEqual(user);
    expect((await patch('1', { 'if-match': 'W/"1"' })).status).toBe(200);
    expect((await patch('2', { 'if-match': '"2"' })).status).toBe(200);
    expect((await patch('3', { 'if-match': '*' })).status).toBe(200);
    expect((await scim.delete(pathOf(user), { 'if-match': '"4"' })).status).toBe(204);
  });

  it('SCIM 60 of ten writers with one version a single one wins', async () => {
    const user = await createUser(scim, freshName());
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        scim.patch(pathOf(user), patchOf({ op: 'replace', path: 'title', value: `t${i}` }), { 'if-match': 'W/"1"' }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(9).fill(412)]);
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
