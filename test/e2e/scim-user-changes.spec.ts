import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/platform/ids.js';
import type { HttpClient } from '../support/http-client.js';
import {
  createUser,
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
const freshName = () => `changed-${++count}@example.com`;

describe('PUT /Users/{id}', () => {
  it('SCIM 32 replaces: what it leaves out is gone, and what is readOnly stays', async () => {
    const user = await createUser(scim, freshName(), { ...FULL_USER, externalId: 'put-1' });
    const answer = await scim.put<ScimResourceBody>(userPath(user), {
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
    expect((await scim.put(`/scim/v2/Users/${newId()}`, userBody(freshName()))).body).toMatchObject(scimError(404));
    const user = await createUser(scim, freshName(), { active: false });
    await scim.put(userPath(user), userBody(user.userName, { title: 'x' }));
    expect((await read(user)).active).toBe(false);
  });

  it('SCIM 13 one that says nothing new keeps version and lastModified', async () => {
    const user = await createUser(scim, freshName(), { ...FULL_USER, externalId: undefined });
    const body = { ...FULL_USER, externalId: undefined, emails: [...FULL_USER.emails].map((one) => ({ ...one })) };
    const answer = await scim.put<ScimResourceBody>(userPath(user), userBody(user.userName, body));
    expect(answer.body).toEqual(user);
    expect(answer.headers.get('etag')).toBe('W/"1"');
  });

  it('SCIM 30 of a name that another has is 409, and nothing is changed', async () => {
    const [one, two] = [await createUser(scim, freshName()), await createUser(scim, freshName())];
    const answer = await scim.put(userPath(two), userBody(one.userName.toUpperCase()));
    expect(answer.body).toMatchObject(scimError(409, 'uniqueness'));
    const patch = await scim.patch(userPath(two), patchOf({ op: 'replace', path: 'userName', value: one.userName }));
    expect(patch.body).toMatchObject(scimError(409, 'uniqueness'));
    const flat = await scim.patch(userPath(two), patchOf({ op: 'replace', value: { userName: one.userName } }));
    expect(flat.body).toMatchObject(scimError(409, 'uniqueness'));
    expect(await read(two)).toEqual(two);
  });
});

describe('PATCH /Users/{id}', () => {
  it('SCIM 36 answers 200 with the whole user; a preset may ask for 204, and attributes for a body all the same', async () => {
    const user = await createUser(scim, freshName());
    const answer = await scim.patch<ScimResourceBody>(
      userPath(user),
      patchOf({ op: 'add', path: 'title', value: 'T' }),
    );
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ id: user.id, title: 'T' });
    expect(answer.headers.get('etag')).toBe('W/"2"');
    expect(await read(user)).toEqual(answer.body);
    const some = await scim.patch(
      `${userPath(user)}?attributes=title`,
      patchOf({ op: 'replace', path: 'title', value: 'U' }),
    );
    expect(some.body).toEqual({ schemas: [USER_URN], id: user.id, title: 'U' });
  });

  it('SCIM 35 is all or nothing', async () => {
    const user = await createUser(scim, freshName());
    const answer = await scim.patch(
      userPath(user),
      patchOf({ op: 'add', path: 'title', value: 'T' }, { op: 'replace', path: 'id', value: 'x' }),
    );
    expect(answer.body).toMatchObject(scimError(400, 'mutability'));
    expect(await read(user)).toEqual(user);
  });

  it('SCIM 13 one that changes nothing keeps version and lastModified', async () => {
    const user = await createUser(scim, freshName(), { emails: [{ value: 'a@b.example', type: 'work' }] });
    const answer = await scim.patch(
      userPath(user),
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
    const answers = await Promise.all(operations.map((each) => scim.patch(userPath(user), patchOf(each))));
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
      userPath(user),
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

describe('a user who keeps the name', () => {
  it('SCIM 12 is found by what else has changed, and by when', async () => {
    const user = await createUser(scim, freshName(), { externalId: 'kept-1', displayName: 'Kept' });
    const find = async (filter: string) => {
      const text = encodeURIComponent(`id eq "${user.id}" and ${filter}`);
      return (await scim.get<{ totalResults: number }>(`/scim/v2/Users?filter=${text}`)).body.totalResults;
    };
    let { lastModified } = user.meta;
    for (const [path, value, before] of [
      ['externalId', 'kept-2', 'externalId eq "kept-1"'],
      ['displayName', 'Left', 'displayName eq "Kept"'],
      ['active', false, 'active eq true'],
      ['title', 'Dr.', 'title eq "Mr."'],
    ] as const) {
      const answer = await scim.patch<ScimResourceBody>(userPath(user), patchOf({ op: 'replace', path, value }));
      expect(answer.status).toBe(200);
      const found = [before, `${path} eq ${JSON.stringify(value)}`, `meta.lastModified gt "${lastModified}"`];
      expect([path, await Promise.all(found.map(find))]).toEqual([path, [0, 1, 1]]);
      ({ lastModified } = answer.body.meta);
      expect(await find(`meta.lastModified eq "${lastModified}"`)).toBe(1);
    }
  });
});

describe('DELETE /Users/{id}', () => {
  it('SCIM 33 is 204 without a body; afterwards everything is 404, and the name can be used at once', async () => {
    const user = await createUser(scim, freshName(), { externalId: 'gone', emails: [{ value: 'gone@x.example' }] });
    const gone = await scim.delete<unknown>(userPath(user));
    expect([gone.status, gone.body]).toEqual([204, '']);
    for (const answer of [
      await scim.get(userPath(user)),
      await scim.put(userPath(user), userBody(user.userName)),
      await scim.patch(userPath(user), patchOf({ op: 'add', path: 'title', value: 'T' })),
      await scim.delete(userPath(user)),
    ]) {
      expect(answer.body).toMatchObject(scimError(404));
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
    const answers = await Promise.all(Array.from({ length: 8 }, () => scim.delete(userPath(user))));
    expect(answers.map(({ status }) => status).sort()).toEqual([204, ...Array<number>(7).fill(404)]);
  });
});

describe('versions', () => {
  it('SCIM 60 If-Match of another version is 412 and changes nothing; of its own, weak or strong, it is done', async () => {
    const user = await createUser(scim, freshName());
    const stale = { 'if-match': 'W/"0"' };
    const patch = (value: string, headers: Record<string, string>) =>
      scim.patch(userPath(user), patchOf({ op: 'replace', path: 'title', value }), headers);
    expect((await scim.put(userPath(user), userBody(user.userName, { title: 'x' }), stale)).body).toMatchObject(
      scimError(412),
    );
    expect((await patch('x', stale)).body).toMatchObject(scimError(412));
    expect((await scim.delete(userPath(user), stale)).body).toMatchObject(scimError(412));
    expect(await read(user)).toEqual(user);
    expect((await patch('1', { 'if-match': 'W/"1"' })).status).toBe(200);
    expect((await patch('2', { 'if-match': '"2"' })).status).toBe(200);
    expect((await patch('3', { 'if-match': '*' })).status).toBe(200);
    expect((await scim.delete(userPath(user), { 'if-match': '"4"' })).status).toBe(204);
  });

  it('SCIM 60 of ten writers with one version a single one wins', async () => {
    const user = await createUser(scim, freshName());
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        scim.patch(userPath(user), patchOf({ op: 'replace', path: 'title', value: `t${i}` }), { 'if-match': 'W/"1"' }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(9).fill(412)]);
  });
});
