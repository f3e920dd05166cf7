import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { HttpClient } from '../support/http-client.js';
import { createUser, makeScimWorld, type ScimResourceBody, type ScimWorld } from '../support/scim-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

interface ListBody {
  schemas: string[];
  totalResults: number;
  startIndex?: number;
  itemsPerPage: number;
  nextCursor?: string;
  Resources: ScimResourceBody[];
}

const ERROR = { schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'] };
const LIST_URN = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
const SEARCH_URN = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';

let rollcall: TestApp;
let world: ScimWorld;
let scim: HttpClient;
const made: ScimResourceBody[] = [];

/** Thirty people whose attributes differ in all that filters look at. */
const PEOPLE = Array.from({ length: 30 }, (_, i) => ({
  userName: `${i % 2 ? 'User' : 'user'}${String(i).padStart(2, '0')}@Example.com`,
  externalId: i % 5 === 0 ? undefined : `ext-${i}`,
  displayName: i % 7 === 0 ? undefined : `${['Zoë', 'ada', 'Grace', 'émile'][i % 4]} ${i}`,
  active: i % 3 !== 0,
  title: i % 4 === 0 ? 'Engineer' : undefined,
  name: { familyName: i % 2 ? 'Lovelace' : 'Hopper' },
  emails:
    i % 6 === 0
      ? undefined
      : [
          { type: 'work', value: `W${i}@example.com`, primary: true },
          { type: 'home', value: `h${i % 3}@home.example` },
        ],
}));

beforeAll(async () => {
  rollcall = await startApp();
  world = await makeScimWorld(rollcall);
  scim = world.scim;
  for (const { userName, ...more } of PEOPLE) made.push(await createUser(scim, userName, more));
  const other = await makeScimWorld(rollcall);
  await createUser(other.scim, 'user00@example.com', { externalId: 'ext-1', displayName: 'ada 1' });
});
afterAll(() => rollcall.stop());

async function list(query: Record<string, string | number>, client = scim) {
  const text = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)])).toString();
  return client.get<ListBody>(`/scim/v2/Users?${text}`);
}

async function namesOf(filter: string, more: Record<string, string | number> = {}): Promise<string[]> {
  const { status, body } = await list({ filter, ...more });
  if (status !== 200) throw new Error(`${filter}: ${status} ${JSON.stringify(body)}`);
  expect(body.totalResults).toBe(body.Resources.length);
  return body.Resources.map(({ userName }) => userName).sort();
}

const meant = (holds: (person: (typeof PEOPLE)[number], index: number) => boolean) =>
  PEOPLE.filter(holds)
    .map(({ userName }) => userName)
    .sort();

type Holds = (person: (typeof PEOPLE)[number], index: number) => boolean;
const key = (text: string | undefined) => text?.normalize('NFKC').toLowerCase();
const hasEmail = (person: (typeof PEOPLE)[number], value: string) =>
  person.emails?.some((email) => key(email.value) === key(value)) ?? false;

const CASES: [string, Holds][] = [
  ['userName eq "USER03@example.COM"', (_, i) => i === 3],
  ['USERNAME Eq "user03@example.com"', (_, i) => i === 3],
  ['urn:ietf:params:scim:schemas:core:2.0:User:userName eq "user03@example.com"', (_, i) => i === 3],
  ['userName ne "user03@example.com"', (_, i) => i !== 3],
  ['userName sw "user1"', (_, i) => i >= 10 && i < 20],
  ['userName ew "5@example.com"', (_, i) => i % 10 === 5],
  ['userName co "r2"', (_, i) => i >= 20],
  ['userName gt "user20@example.com"', (_, i) => i > 20],
  ['userName le "user20@example.com"', (_, i) => i <= 20],
  ['userName pr', () => true],
  ['userName sw ""', () => true],
  ['userName eq ""', () => false],
  ['userName sw "%"', () => false],
  ['userName co "_"', () => false],
  ['externalId eq "ext-7"', (_, i) => i === 7],
  ['externalId eq "EXT-7"', () => false],
  ['externalId pr', (_, i) => i % 5 !== 0],
  ['not (externalId pr)', (_, i) => i % 5 === 0],
  ['externalId ne "ext-7"', (_, i) => i !== 7],
  ['displayName eq "ZOË 4"', (_, i) => i === 4],
  ['displayName eq "zoe 4"', () => false],
  ['displayName sw "é"', ({ displayName }) => displayName?.startsWith('é') ?? false],
  ['displayName co "RACE"', ({ displayName }) => displayName?.includes('race') ?? false],
  ['displayName pr', (_, i) => i % 7 !== 0],
  ['displayName eq null', (_, i) => i % 7 === 0],
  ['displayName ne null', (_, i) => i % 7 !== 0],
  ['not (displayName eq "ada 1")', (_, i) => i !== 1],
  ['not (displayName gt "b")', ({ displayName }) => !((key(displayName) ?? '') > 'b')],
  ['active eq true', ({ active }) => active],
  ['active eq false', ({ active }) => !active],
  ['not (active eq true)', ({ active }) => !active],
  ['emails.value eq "w4@EXAMPLE.com"', (_, i) => i === 4],
  ['emails eq "w4@example.com"', (_, i) => i === 4],
  ['emails[value eq "w4@example.com"]', (_, i) => i === 4],
  ['emails[type eq "work" and value eq "w4@example.com"]', (_, i) => i === 4],
  ['emails[type eq "home" and value eq "w4@example.com"]', () => false],
  ['emails[type eq "work"].value eq "w4@example.com"', (_, i) => i === 4],
  ['emails.value eq "h1@home.example"', (person) => hasEmail(person, 'h1@home.example')],
  ['emails.value co "home"', ({ emails }) => emails !== undefined],
  ['emails pr', ({ emails }) => emails !== undefined],
  ['emails[type eq "other"]', () => false],
  ['name.familyName eq "lovelace"', ({ name }) => name.familyName === 'Lovelace'],
  ['title pr', ({ title }) => title !== undefined],
  ['title eq "engineer" and active eq true', ({ title, active }) => title !== undefined && active],
  ['title eq "engineer" or userName eq "user01@example.com"', ({ title }, i) => title !== undefined || i === 1],
  ['not (title pr) and not (active eq false)', ({ title, active }) => title === undefined && active],
  ['userName eq "user01@example.com" or userName eq "user02@example.com" and active eq false', (_, i) => i === 1],
  ['(userName eq "user01@example.com" or userName eq "user03@example.com") and active eq false', (_, i) => i === 3],
  ['meta.lastModified gt "2000-01-01T00:00:00Z"', () => true],
  ['meta.lastModified lt "2000-01-01T00:00:00.123456789+02:00"', () => false],
  ['meta.created pr and active eq true', ({ active }) => active],
  ['meta.resourceType eq "User"', () => true],
  ['schemas eq "urn:ietf:params:scim:schemas:core:2.0:User"', () => true],
  ['groups pr', () => false],
  ['groups.value eq "x"', () => false],
  ['id pr', () => true],
  ['id eq "nobody"', () => false],
];

describe('filters of users', () => {
  it.each(CASES)('SCIM 48 %s', async (filter, holds) => {
    expect(await namesOf(filter)).toEqual(meant(holds));
  });

  it('SCIM 48 id and meta.lastModified find the one resource that has them', async () => {
    const one = made[8] as ScimResourceBody;
    expect(await namesOf(`id eq "${one.id}"`)).toEqual([one.userName]);
    expect(await namesOf(`meta.lastModified eq "${one.meta.lastModified}" and userName sw "user08"`)).toEqual([
      one.userName,
    ]);
    const later = made.filter(({ meta }) => meta.lastModified > one.meta.lastModified).map(({ userName }) => userName);
    expect(await namesOf(`meta.lastModified gt "${one.meta.lastModified}"`)).toEqual(later.sort());
  });

  it('SCIM 54 what nobody meets is an empty ListResponse, not an error', async () => {
    const { status, body } = await list({ filter: 'userName eq "nobody@example.com"' });
    expect(status).toBe(200);
    expect(body).toEqual({ schemas: [LIST_URN], totalResults: 0, startIndex: 1, itemsPerPage: 0, Resources: [] });
  });

  it.each([
    ['what is no attribute', 'nickname2 eq "x"'],
    ['a password', 'password eq "x"'],
    ['an order of booleans', 'active gt true'],
    ['a filter without end', 'userName eq "x'],
    ['an unknown operator', 'userName like "x"'],
    ['no value', 'userName eq'],
    ['SQL', "userName eq '1' OR 1=1"],
    ['a filter 1,000 deep', `${'('.repeat(1000)}userName pr${')'.repeat(1000)}`],
    ['a filter of 10 kB', `userName eq "${'x'.repeat(10_000)}"`],
    ['NUL in a text', 'userName eq "\\u0000"'],
    ['half a character', 'userName eq "\\ud800"'],
    ['nothing', ''],
  ])('SCIM 52 SCIM 54 %s is invalidFilter, never a silent empty answer', async (_, filter) => {
    const answer = await scim.post('/scim/v2/Users/.search', { schemas: [SEARCH_URN], filter });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ ...ERROR, status: '400', scimType: 'invalidFilter' });
  });

  it('takes quotes, percent signs and backslashes for what they are', async () => {
    const odd = await createUser(scim, `o'dd%_\\"x@example.com`, { displayName: `'; DROP TABLE users; --` });
    expect(await namesOf(`userName eq ${JSON.stringify(odd.userName)}`)).toEqual([odd.userName]);
    expect(await namesOf(`userName co ${JSON.stringify(`'dd%_\\"`)}`)).toEqual([odd.userName]);
    expect(await namesOf(`displayName eq ${JSON.stringify(odd.displayName)}`)).toEqual([odd.userName]);
    await scim.delete(`/scim/v2/Users/${odd.id}`);
  });
});

describe('pages of users', () => {
  it('SCIM 55 pages by index hold each user once, and the total is exact', async () => {
    const seen: string[] = [];
    for (let startIndex = 1; startIndex <= 30; startIndex += 7) {
      const { body } = await list({ startIndex, count: 7 });
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
    const { status, body } = await list(query);
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
      const whole = (await list({ ...query, count: 100 })).body;
      const seen: string[] = [];
      let cursor = '';
      for (let pages = 0; pages < 40; pages++) {
        const { status, body } = await list({ ...query, count: 4, cursor });
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

  it('SCIM 59 a cursor is good for its own query and directory alone', async () => {
    const { nextCursor = '' } = (await list({ count: 2, cursor: '' })).body;
    const refused = [
      await list({ cursor: nextCursor, filter: 'active eq true' }),
      await list({ cursor: nextCursor, sortBy: 'userName' }),
      await list({ cursor: nextCursor }, (await makeScimWorld(rollcall)).scim),
      await list({ cursor: 'AAAA' }),
      await list({ cursor: `${nextCursor}A` }),
    ];
    for (const answer of refused) {
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({ ...ERROR, scimType: 'invalidCursor' });
    }
    const count = await list({ cursor: nextCursor, count: 'x' });
    expect(count.body).toMatchObject({ ...ERROR, status: '400', scimType: 'invalidCount' });
  });
});

describe('the order of users', () => {
  const keysOf = (resources: ScimResourceBody[], name: string) =>
    resources.map((resource) => key(resource[name] as string | undefined) ?? null);

  it.each(['userName', 'displayName'])(
    'SCIM 56 by %s, without regard to case, those without at the end',
    async (sortBy) => {
      const up = keysOf((await list({ sortBy })).body.Resources, sortBy);
      const assigned = up.filter((each) => each !== null);
      expect(up).toEqual([...[...assigned].sort(), ...Array<null>(up.length - assigned.length).fill(null)]);
      const down = keysOf((await list({ sortBy, sortOrder: 'descending' })).body.Resources, sortBy);
      expect(down).toEqual([...up].reverse());
    },
  );

  it('SCIM 56 by a sub-attribute, and by what is multi-valued its primary value', async () => {
    const byName = (await list({ sortBy: 'name.familyName' })).body.Resources;
    expect(byName.map(({ name }) => (name as { familyName: string }).familyName)).toEqual([
      ...Array<string>(15).fill('Hopper'),
      ...Array<string>(15).fill('Lovelace'),
    ]);
    const byEmail = (await list({ sortBy: 'emails', count: 25 })).body.Resources;
    const primary = byEmail.map(({ emails }) => (emails as { value: string }[])[0]?.value.toLowerCase());
    expect(primary).toEqual([...primary].sort());
  });

  it('SCIM 56 by what is no attribute is refused', async () => {
    const answer = await list({ sortBy: 'shoeSize' });
    expect(answer.body).toMatchObject({ ...ERROR, status: '400', scimType: 'invalidPath' });
  });
});

describe('what a list tells', () => {
  it('SCIM 57 is what was asked for, and what is always told', async () => {
    const { body } = await list({ attributes: 'USERNAME, name.familyName', count: 1 });
    expect(Object.keys(body.Resources[0] ?? {}).sort()).toEqual(['id', 'name', 'schemas', 'userName']);
    const without = (await list({ excludedAttributes: 'emails,meta,id', count: 2 })).body.Resources[1];
    expect(without).toHaveProperty('id');
    expect(without).not.toHaveProperty('emails');
    expect(without).not.toHaveProperty('meta');
    const both = await list({ attributes: 'id', excludedAttributes: 'emails' });
    expect(both.body).toMatchObject({ ...ERROR, status: '400', scimType: 'invalidValue' });
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
    expect(answer.body).toMatchObject({ ...ERROR, status: '400', scimType: 'invalidSyntax' });
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

  it('SCIM 63 nobody of another directory is found, by whatever filter', async () => {
    const stranger = await makeScimWorld(rollcall);
    for (const filter of ['userName pr', 'title pr', `id eq "${made[0]?.id}"`, 'emails.value eq "w4@example.com"']) {
      expect((await list({ filter }, stranger.scim)).body.totalResults).toBe(0);
    }
  });
});
