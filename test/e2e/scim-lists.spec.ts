import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { HttpClient } from '../support/http-client.js';
import { keyOf, type ListBody, LIST_URN, listUsers, makePeopledWorld, SEARCH_URN } from '../support/scim-people.js';
import { createUser, ERROR_URN, makeScimWorld, type ScimResourceBody } from '../support/scim-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

let rollcall: TestApp;
let scim: HttpClient;
let made: ScimResourceBody[];

beforeAll(async () => {
  rollcall = await startApp();
  ({ scim, made } = await makePeopledWorld(rollcall));
});
afterAll(() => rollcall.stop());

describe('pages of users', () => {
  it('SCIM 55 pages by index hold each user once, and the total is exact', async () => {
    const seen: string[] = [];
    for (let startIndex = 1; startIndex <= 30; startIndex += 7) {
      const { body } = await listUsers(scim, { startIndex, count: 7 });
      expect(body).toMatchObject({ totalResults: 30, startIndex, itemsPerPage: body.Resources.length });
      expect(body.Resources.length).toBe(Math.min(7, 31 - startIndex));
      seen.push(...body.Resources.map(({ id }) => id));
    }
    expect(new Set(seen)).toEqual(new Set(made.map(({ id }) => id)));
    expect(seen).toHaveLength(30);
  });

  it.each([
    [{ count: 0 }, { totalResults: 30, itemsPerPage: 0, Resources: [] }],
    [{ count: -5 }, { totalResults: 30, itemsPerPage: 0, Resources: [] }],
    [{ startIndex: 1000 }, { totalResults: 30, startIndex: 1000, itemsPerPage: 0, Resources: [] }],
    [
      { startIndex: 0, count: 1 },
      { totalResults: 30, startIndex: 1, itemsPerPage: 1 },
    ],
    [
      { startIndex: -3, count: 1 },
      { totalResults: 30, startIndex: 1, itemsPerPage: 1 },
    ],
    [{ count: '1e9' }, { totalResults: 30, itemsPerPage: 30 }],
    [
      { filter: 'title pr', count: 0 },
      { totalResults: 8, Resources: [] },
    ],
    [
      { filter: 'title pr', startIndex: 8, count: 5 },
      { totalResults: 8, startIndex: 8, itemsPerPage: 1 },
    ],
    [
      { filter: 'active eq true', startIndex: 19 },
      { totalResults: 20, itemsPerPage: 2 },
    ],
  ] as [Record<string, string | number>, object][])('SCIM 55 %j', async (query, expected) => {
    const { status, body } = await listUsers(scim, query);
    expect(status).toBe(200);
    expect(body).toMatchObject(expected);
  });

  it.each([
    {},
    { filter: 'active eq true' },
    { filter: 'title pr' },
    { sortBy: 'displayName' },
    { sortBy: 'displayName', sortOrder: 'descending' },
    { sortBy: 'name.familyName' },
    { sortBy: 'meta.lastModified', sortOrder: 'descending' },
  ] as Record<string, string>[])(
    'SCIM 59 a cursor leads through all of %j, each once and in the order of the whole',
    async (query) => {
      const whole = (await listUsers(scim, { ...query, count: 100 })).body;
      const seen: string[] = [];
      let cursor = '';
      for (let pages = 0; pages < 40; pages++) {
        const { status, body } = await listUsers(scim, { ...query, count: 4, cursor });
        expect(status).toBe(200);
        expect(body.totalResults).toBe(whole.totalResults);
        expect(body).not.toHaveProperty('startIndex');
        seen.push(...body.Resources.map(({ id }) => id));
        if (body.nextCursor === undefined) break;
        expect(body.nextCursor).toMatch(/^[\w-]+$/);
        cursor = body.nextCursor;
      }
      expect(seen).toEqual(whole.Resources.map(({ id }) => id));
    },
  );

  it.each([{}, { filter: 'title pr' }, { sortBy: 'title' }] as Record<string, string>[])(
    'SCIM 59 behind those who were deleted meanwhile the list of %j ends',
    async (query) => {
      const some = await makeScimWorld(rollcall);
      for (const name of ['a', 'b', 'c']) await createUser(some.scim, name, { title: name });
      const first = (await listUsers(some.scim, { ...query, count: 2, cursor: '' })).body;
      for (const { id } of (await listUsers(some.scim, { ...query, startIndex: 3 })).body.Resources) {
        expect((await some.scim.delete(`/scim/v2/Users/${id}`)).status).toBe(204);
      }
      const rest = (await listUsers(some.scim, { ...query, count: 2, cursor: first.nextCursor ?? '' })).body;
      expect(rest).toMatchObject({ totalResults: 2, itemsPerPage: 0, Resources: [] });
      expect(rest).not.toHaveProperty('nextCursor');
    },
  );

  it('SCIM 59 a cursor is good for its own query and directory alone', async () => {
    const { nextCursor = '' } = (await listUsers(scim, { count: 2, cursor: '' })).body;
    const refused = [
      await listUsers(scim, { cursor: nextCursor, filter: 'active eq true' }),
      await listUsers(scim, { cursor: nextCursor, sortBy: 'userName' }),
      await listUsers((await makeScimWorld(rollcall)).scim, { cursor: nextCursor }),
      await listUsers(scim, { cursor: 'AAAA' }),
      await listUsers(scim, { cursor: `${nextCursor}A` }),
    ];
    for (const answer of refused) {
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({ schemas: [ERROR_URN], scimType: 'invalidCursor' });
    }
    const count = await listUsers(scim, { cursor: nextCursor, count: 'x' });
    expect(count.body).toMatchObject({ schemas: [ERROR_URN], status: '400', scimType: 'invalidCount' });
  });
});

describe('the order of users', () => {
  const keysOf = (resources: ScimResourceBody[], name: string) =>
    resources.map((resource) => keyOf(resource[name] as string | undefined) ?? null);

  it.each(['userName', 'displayName'])(
    'SCIM 56 by %s, without regard to case, those without at the end',
    async (sortBy) => {
      const up = keysOf((await listUsers(scim, { sortBy })).body.Resources, sortBy);
      const assigned = up.filter((each) => each !== null);
      expect(up).toEqual([...[...assigned].sort(), ...Array<null>(up.length - assigned.length).fill(null)]);
      const down = keysOf((await listUsers(scim, { sortBy, sortOrder: 'descending' })).body.Resources, sortBy);
      expect(down).toEqual([...up].reverse());
    },
  );

  it('SCIM 56 by a sub-attribute, and by what is multi-valued its primary value', async () => {
    const byName = (await listUsers(scim, { sortBy: 'name.familyName' })).body.Resources;
    expect(byName.map(({ name }) => (name as { familyName: string }).familyName)).toEqual([
      ...Array<string>(15).fill('Hopper'),
      ...Array<string>(15).fill('Lovelace'),
    ]);
    const byEmail = (await listUsers(scim, { sortBy: 'emails', count: 25 })).body.Resources;
    const primary = byEmail.map(({ emails }) => (emails as { value: string }[])[0]?.value.toLowerCase());
    expect(primary).toEqual([...primary].sort());
  });

  it('SCIM 56 by what is no attribute is refused', async () => {
    const answer = await listUsers(scim, { sortBy: 'shoeSize' });
    expect(answer.body).toMatchObject({ schemas: [ERROR_URN], status: '400', scimType: 'invalidPath' });
  });
});

describe('what a list tells', () => {
  it('SCIM 57 is what was asked for, and what is always told', async () => {
    const { body } = await listUsers(scim, { attributes: 'USERNAME, name.familyName', count: 1 });
    expect(Object.keys(body.Resources[0] ?? {}).sort()).toEqual(['id', 'name', 'schemas', 'userName']);
    const parts = await scim.get<ListBody>('/scim/v2/Users?attributes=userName&attributes=name.familyName&count=1');
    expect(parts.body.Resources).toEqual(body.Resources);
    const without = (await listUsers(scim, { excludedAttributes: 'emails,meta,id', count: 2 })).body.Resources[1];
    expect(without).toHaveProperty('id');
    expect(without).not.toHaveProperty('emails');
    expect(without).not.toHaveProperty('meta');
    const both = await listUsers(scim, { attributes: 'id', excludedAttributes: 'emails' });
    expect(both.body).toMatchObject({ schemas: [ERROR_URN], status: '400', scimType: 'invalidValue' });
  });

  it.each(['/scim/v2/Users/.search', '/scim/v2/.search'])(
    'SCIM 58 POST %s takes the query in its body',
    async (path) => {
      const answer = await scim.post<ListBody>(path, {
        schemas: [SEARCH_URN],
        filter: 'userName sw "user1"',
        attributes: ['userName'],
        sortBy: 'userName',
        sortOrder: 'descending',
        startIndex: 2,
        count: 3,
      });
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({ schemas: [LIST_URN], totalResults: 10, startIndex: 2, itemsPerPage: 3 });
      expect(answer.body.Resources.map(({ userName }) => userName.slice(4, 6))).toEqual(['18', '17', '16']);
    },
  );

  it('SCIM 58 a body that is no SearchRequest is refused', async () => {
    const answer = await scim.post('/scim/v2/Users/.search', { filter: 'userName pr' });
    expect(answer.body).toMatchObject({ schemas: [ERROR_URN], status: '400', scimType: 'invalidSyntax' });
  });

  it('SCIM 59 the root pages by cursor too', async () => {
    const seen: string[] = [];
    let cursor: string | undefined = '';
    while (cursor !== undefined) {
      const answer: { body: ListBody } = await scim.post<ListBody>('/scim/v2/.search', {
        schemas: [SEARCH_URN],
        cursor,
        count: 13,
      });
      seen.push(...answer.body.Resources.map(({ id }) => id));
      cursor = answer.body.nextCursor;
    }
    expect(seen).toEqual(made.map(({ id }) => id));
  });

  it('SCIM 59 a list sorted by long texts is paged to its end, whatever is in them', async () => {
    const world = await makeScimWorld(rollcall);
    const titles = ['x', 'y', '\u0001', '"', 'é', 'ﷺ'].flatMap((text) => [text.repeat(8_000), text.repeat(7_999)]);
    for (const [i, title] of titles.entries()) await createUser(world.scim, `long-${i}`, { title });
    for (const sortOrder of ['ascending', 'descending']) {
      const seen: string[] = [];
      for (let cursor: string | undefined = ''; cursor !== undefined;) {
        const query = { sortBy: 'title', sortOrder, attributes: 'userName', count: 1, cursor };
        const answer: { status: number; body: ListBody } = await listUsers(world.scim, query);
        expect(answer.status).toBe(200);
        seen.push(...answer.body.Resources.map(({ userName }) => userName));
        cursor = answer.body.nextCursor;
      }
      expect([...new Set(seen)]).toHaveLength(titles.length);
      expect(seen).toHaveLength(titles.length);
    }
  });

  it('SCIM 63 nobody of another directory is found, by whatever filter', async () => {
    const stranger = await makeScimWorld(rollcall);
    for (const filter of ['userName pr', 'title pr', `id eq "${made[0]?.id}"`, 'emails.value eq "w4@example.com"']) {
      expect((await listUsers(stranger.scim, { filter })).body.totalResults).toBe(0);
    }
  });
});
