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
const freshName = () => `changed-${++count}@example.com`;

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
