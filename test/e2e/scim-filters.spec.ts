import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseFilter } from '../../src/flows/scim/protocol/filter.js';
import { matchFilter } from '../../src/flows/scim/protocol/match-filter.js';
import { resolveFilter } from '../../src/flows/scim/protocol/resolve-filter.js';
import { userResourceType } from '../../src/flows/scim/protocol/resource-types.js';
import type { ResourceJson } from '../../src/flows/scim/protocol/stored-values.js';
import type { HttpClient } from '../support/http-client.js';
import {
  keyOf,
  LIST_URN,
  listUsers,
  makePeopledWorld,
  PEOPLE,
  type ScimPerson,
  SEARCH_URN,
} from '../support/scim-people.js';
import { createUser, ERROR_URN, type ScimResourceBody } from '../support/scim-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

let rollcall: TestApp;
let scim: HttpClient;
let made: ScimResourceBody[];

beforeAll(async () => {
  rollcall = await startApp();
  ({ scim, made } = await makePeopledWorld(rollcall));
});
afterAll(() => rollcall.stop());

async function namesOf(filter: string): Promise<string[]> {
  const { status, body } = await listUsers(scim, { filter });
  if (status !== 200) throw new Error(`${filter}: ${status} ${JSON.stringify(body)}`);
  expect(body.totalResults).toBe(body.Resources.length);
  return body.Resources.map(({ userName }) => userName).sort();
}

const meant = (holds: (person: ScimPerson, index: number) => boolean) =>
  PEOPLE.filter(holds)
    .map(({ userName }) => userName)
    .sort();

type Holds = (person: ScimPerson, index: number) => boolean;
const hasEmail = (person: ScimPerson, value: string) =>
  person.emails?.some((email) => keyOf(email.value) === keyOf(value)) ?? false;

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
  ['not (displayName gt "b")', ({ displayName }) => !((keyOf(displayName) ?? '') > 'b')],
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

const texts = fc.constantFrom(
  'user1',
  'USER03@example.com',
  'zoë 4',
  'ada 1',
  'é',
  'a',
  '',
  'w4@example.com',
  'ext-7',
  '%',
  '😀',
  'z',
);
const textTerm = fc
  .tuple(
    fc.constantFrom(
      'userName',
      'displayName',
      'externalId',
      'title',
      'emails.value',
      'emails',
      'name.familyName',
      'id',
    ),
    fc.constantFrom('eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'),
    texts,
  )
  .map(([path, operator, text]) => `${path} ${operator} ${JSON.stringify(text)}`);
const otherTerm = fc.constantFrom(
  'active eq true',
  'active ne true',
  'displayName pr',
  'displayName eq null',
  'externalId pr',
  'emails[type eq "home" and value sw "h1"]',
  'emails[value eq "w4@example.com"]',
  'meta.lastModified le "2100-01-01T00:00:00Z"',
  'groups pr',
);
const { filter: anyFilter } = fc.letrec<{ filter: string; term: string }>((tie) => ({
  term: fc.oneof(
    { maxDepth: 3 },
    textTerm,
    otherTerm,
    tie('filter').map((one) => `not (${one})`),
  ),
  filter: fc
    .tuple(fc.array(tie('term'), { minLength: 1, maxLength: 3 }), fc.constantFrom(' and ', ' or '))
    .map(([terms, word]) => terms.map((term) => `(${term})`).join(word)),
}));

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
    const { status, body } = await listUsers(scim, { filter: 'userName eq "nobody@example.com"' });
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
    expect(answer.body).toMatchObject({ schemas: [ERROR_URN], status: '400', scimType: 'invalidFilter' });
  });

  it('SCIM 48 whatever the filter, the database and the reading of each resource agree', async () => {
    for (const filter of fc.sample(anyFilter, 150)) {
      const resolved = resolveFilter(parseFilter(filter), userResourceType);
      const expected = made.filter((resource) => matchFilter(resolved, resource as unknown as ResourceJson));
      const { status, body } = await listUsers(scim, { filter, count: 200 });
      expect({ filter, status, total: body.totalResults, ids: body.Resources.map(({ id }) => id) }).toEqual({
        filter,
        status: 200,
        total: expected.length,
        ids: expected.map(({ id }) => id),
      });
    }
  });

  it('takes quotes, percent signs and backslashes for what they are', async () => {
    const odd = await createUser(scim, `o'dd%_\\"x@example.com`, { displayName: `'; DROP TABLE users; --` });
    expect(await namesOf(`userName eq ${JSON.stringify(odd.userName)}`)).toEqual([odd.userName]);
    expect(await namesOf(`userName co ${JSON.stringify(`'dd%_\\"`)}`)).toEqual([odd.userName]);
    expect(await namesOf(`displayName eq ${JSON.stringify(odd.displayName)}`)).toEqual([odd.userName]);
    await scim.delete(`/scim/v2/Users/${odd.id}`);
  });
});
