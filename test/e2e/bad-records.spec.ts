import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { IdentityEntity } from '../../src/records/users/identity.entity.js';
import { UserEntity } from '../../src/records/users/user.entity.js';
import type { Answer, HttpClient } from '../support/http-client.js';
import { type LoopbackIdp, startLoopbackIdp } from '../support/loopback-idp.js';
import { seedCustomer, seedFullConnection } from '../support/seed-customer.js';
import { startApp, type TestApp } from '../support/start-app.js';

interface Fault {
  pointer: string;
  detail: string;
}
interface SyncAnswer extends Record<string, unknown> {
  counts: Record<string, number>;
  results: {
    externalId: string | null;
    result: string;
    duplicateOf?: number;
    problem?: { code: string; faults?: Fault[] };
  }[];
}

describe('bad records and claims', () => {
  let rollcall: TestApp;
  let idp: LoopbackIdp;
  let tenantId: string;
  let connection: string;
  let admin: HttpClient;
  beforeAll(async () => {
    [rollcall, idp] = await Promise.all([startApp({ LOGIN_RATE_PER_MINUTE: '100000' }), startLoopbackIdp()]);
  });
  afterAll(async () => {
    await rollcall.stop();
    await idp.stop();
  });
  beforeEach(async () => {
    tenantId = await seedCustomer(rollcall);
    connection = await seedFullConnection(rollcall, tenantId, idp.trust);
    admin = await rollcall.clientWith(tenantId, [
      'users:sync',
      'connections:read',
      'connections:write',
      'roles:read',
      'reports:write',
    ]);
    await push([record('first')]);
  });

  const record = (externalId: string, more: object = {}) => ({
    externalId,
    userName: `${externalId}@x.example`,
    ...more,
  });
  const push = (users: unknown): Promise<Answer<SyncAnswer>> => admin.post('/users/sync', { users, connection });
  /** A push whose text is not what JSON.stringify would make. */
  const pushText = (users: string) =>
    admin.post<SyncAnswer>('/users/sync', `{"connection":"${connection}","users":${users}}`);
  const names = async () =>
    (await rollcall.database.read.findBy(UserEntity, { tenantId })).map(({ userName }) => userName).sort();
  it.each([
    ['a name of 10,000 characters', { displayName: 'x'.repeat(10_000) }, '/displayName'],
    ['a user name of 10,000 characters', { userName: 'x'.repeat(10_000) }, '/userName'],
    ['a user name that folds to 3,600 characters', { userName: '\ufdfa'.repeat(200) }, '/userName'],
    ['a display name that folds to 3,600 characters', { displayName: '\ufdfa'.repeat(200) }, '/displayName'],
    ['an address that folds to 3,600 characters', { email: `${'\ufdfa'.repeat(200)}@x.example` }, '/email'],
    ['a given name of 10,000 characters', { name: { givenName: 'x'.repeat(10_000) } }, '/name/givenName'],
    ['a trailing space', { userName: 'ada ' }, '/userName'],
    ['a no-break space before', { userName: '\u00a0ada' }, '/userName'],
    ['a control character', { displayName: 'a\u0007b' }, '/displayName'],
    ['NUL', { userName: 'a\u0000b' }, '/userName'],
    ['NUL in a group', { groups: ['fine', 'a\u0000b'] }, '/groups/1'],
    ['a lone surrogate', { userName: 'a\ud800' }, '/userName'],
    ['a lone surrogate in an attribute', { attributes: { x: ['\udc00'] } }, '/attributes/x'],
    ['a lone surrogate in the name of an attribute', { attributes: { 'a\ud800': 1 } }, '/attributes/a\ud800'],
    ['deep nesting', { attributes: { x: [[[[[[1]]]]]] } }, '/attributes/x'],
    ['text for a flag', { active: 'false' }, '/active'],
    ['a number for a name', { userName: 7 }, '/userName'],
    ['a list for a name', { displayName: ['x'] }, '/displayName'],
    ['an object for groups', { groups: { a: 1 } }, '/groups'],
    ['numbers in groups', { groups: ['a', 5] }, '/groups/1'],
    ['a field that nobody knows', { nickname: 'x' }, '/nickname'],
    ['a member of every object', { attributes: { constructor: 1 } }, '/attributes/constructor'],
    ['a time that is none', { statedAt: 'yesterday' }, '/statedAt'],
    ['a time to come', { statedAt: '2999-01-01T00:00:00Z' }, '/statedAt'],
    ['an empty name', { userName: '' }, '/userName'],
    ['an address that is none', { email: 'nobody' }, '/email'],
    ['2,000 groups', { groups: Array.from({ length: 2000 }, (_, n) => `g-${n}`) }, '/groups'],
    [
      '300 attributes',
      { attributes: Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`a${n}`, n])) },
      '/attributes',
    ],
    ['attributes of 100 KB', { attributes: { x: 'x'.repeat(100_000) } }, '/attributes'],
  ])('a record with %s fails alone, and its fault is named', async (_, more, pointer) => {
    const answer = await push([record('before'), record('bad', more), record('after')]);
    expect(answer.status).toBe(200);
    expect(answer.body.results.map(({ result }) => result)).toEqual(['created', 'failed', 'created']);
    expect(answer.body.results[1]?.problem).toMatchObject({ code: 'invalid_record', faults: [{ pointer }] });
    expect(await names()).toEqual(['after@x.example', 'before@x.example', 'first@x.example']);
  });

  it('names every fault of every record at once, and a record without an id by its place', async () => {
    const answer = await push([
      { userName: ' x', active: 1, groups: 'a', nickname: 'b', externalId: '' },
      { displayName: 'nobody' },
      'a text',
      null,
      [],
      { usercode: 'a', externalId: 'b' },
    ]);
    expect(answer.body.results.map(({ result, externalId }) => [result, externalId])).toEqual([
      ['failed', ''],
      ['failed', null],
      ['failed', null],
      ['failed', null],
      ['failed', null],
      ['failed', 'b'],
    ]);
    const pointers = answer.body.results.map(({ problem }) => problem?.faults?.map((each) => each.pointer).sort());
    expect(pointers).toEqual([
      ['/active', '/externalId', '/groups', '/nickname', '/userName'],
      ['/externalId'],
      [''],
      [''],
      [''],
      ['/externalId'],
    ]);
    expect(await names()).toEqual(['first@x.example']);
  });

  it('numbers too large to be held are no names and no numbers', async () => {
    const answer = await pushText(
      '[{"externalId": 1e400}, {"externalId": "n", "attributes": {"x": 1e400, "y": 9007199254740993}}]',
    );
    expect(answer.body.results.map(({ problem }) => problem?.faults?.map(({ pointer }) => pointer))).toEqual([
      ['/externalId'],
      ['/attributes/x'],
    ]);
  });

  it('a push that stops being JSON in its last record is refused whole, whatever stood before', async () => {
    const many = Array.from({ length: 1200 }, (_, n) => JSON.stringify(record(`j-${n}`))).join(',');
    for (const last of ['{"externalId":tru}', '{"externalId":"x" "y":1}', '{"externalId":"x\u0001"}', '']) {
      const answer = await pushText(`[${many},${last}]`);
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid_json']);
    }
    expect(await names()).toEqual(['first@x.example']);
  });

  it('an externalId that stands twice and differs is a fault of the record', async () => {
    const answer = await pushText('[{"externalId":"a","externalId":"b"},{"externalId":"c","externalId":"c"}]');
    expect(answer.body.results.map(({ result }) => result)).toEqual(['failed', 'created']);
    expect(answer.body.results[0]?.problem).toMatchObject({
      code: 'invalid_record',
      faults: [{ pointer: '/externalId' }],
    });
  });

  it('a member __proto__ of a record refuses the push and reaches no prototype', async () => {
    for (const bad of [
      '{"externalId":"p","__proto__":{"active":false}}',
      '{"externalId":"p","attributes":{"__proto__":{"x":1}}}',
    ]) {
      const answer = await pushText(`[{"externalId":"ok"},${bad}]`);
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
      expect((answer.body.faults as Fault[]).map(({ pointer }) => pointer)).toEqual([
        expect.stringMatching(/^\/users\/1\/.*__proto__$/),
      ]);
    }
    expect(({} as { active?: unknown }).active).toBeUndefined();
    expect(await names()).toEqual(['first@x.example']);
  });

  it('tells names that differ in bytes apart, and folds case and composition alone', async () => {
    const twins = [
      ['jose', 'created'],
      ['josé', 'created'],
      ['jose\u0301', 'failed'],
      ['JOSE', 'failed'],
      ['JOSÉ', 'failed'],
      ['ｊｏｓｅ', 'failed'],
      ['admin', 'created'],
      ['аdmin', 'created'],
      ['adm\u0131n', 'created'],
      ['STRASSE', 'created'],
      ['straße', 'created'],
      ['\u{1f600}', 'created'],
      ['İ', 'created'],
    ] as const;
    const answer = await push(twins.map(([userName], n) => ({ externalId: `t-${n}`, userName })));
    expect(answer.body.results.map(({ result }, n) => [twins[n]?.[0], result])).toEqual(twins.map((each) => [...each]));
    const ids = ['jose', 'josé', 'JOSE', 'jose\u0301', 'jose.', 'аdmin', 'admin'];
    const byId = await push(ids.map((externalId) => ({ externalId })));
    expect(byId.body.counts).toMatchObject({ created: ids.length });
    expect((await push(ids.map((externalId) => ({ externalId })))).body.counts).toMatchObject({
      unchanged: ids.length,
    });
    expect(await rollcall.database.read.countBy(IdentityEntity, { connectionId: connection })).toBe(
      1 + 10 - 1 + ids.length,
    );
  });

  it('duplicates in one push are told, and the last word of each stands', async () => {
    const answer = await push([
      record('d', { displayName: 'One' }),
      record('e'),
      record('d', { displayName: 'x'.repeat(10_000) }),
      record('d', { displayName: 'Two' }),
    ]);
    expect(answer.body.results.map(({ result, duplicateOf }) => [result, duplicateOf])).toEqual([
      ['created', undefined],
      ['created', undefined],
      ['failed', 0],
      ['updated', 0],
    ]);
    expect(
      (await rollcall.database.read.findOneByOrFail(UserEntity, { tenantId, userName: 'd@x.example' })).displayName,
    ).toBe('Two');
  });

  it.each([
    ['a subject of 10,000 characters', { sub: 'x'.repeat(10_000) }],
    ['a subject with a trailing space', { sub: 'ada ' }],
    ['a subject with NUL', { sub: 'a\u0000b' }],
    ['a subject that is a number', { sub: 7 }],
    ['a user name that folds to 3,600 characters', { preferred_username: '\ufdfa'.repeat(200) }],
    ['a display name that folds to 3,600 characters', { name: '\ufdfa'.repeat(200) }],
    ['an address that folds to 3,600 characters', { email: `${'\ufdfa'.repeat(200)}@x.example` }],
    ['a user name with a lone surrogate', { preferred_username: 'a\ud800' }],
    ['a name that is an object', { name: { given: 'x' } }],
    ['claims of 100 KB', { groups: Array.from({ length: 5000 }, (_, n) => `group-number-${n}`) }],
  ])('a token with %s is refused as any other, and makes nobody', async (_, claims) => {
    const answer = await rollcall.http.post('/auth/login', { token: idp.token({ sub: 's-1', ...claims }), connection });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(await names()).toEqual(['first@x.example']);
  });

  it('names of people that can be held are held to the last character', async () => {
    const long = '\u{1f600}'.repeat(127);
    const group = 'g'.repeat(255);
    const mapping = { roles: [{ id: 'g', from: 'claims.groups', map: { [group]: 'editor' } }] };
    expect((await admin.patch(`/connections/${connection}`, { mapping }, { 'if-match': '"1"' })).status).toBe(200);
    const answer = await push([
      {
        externalId: long,
        userName: long,
        displayName: long,
        groups: [group],
        name: { givenName: long, familyName: long },
      },
    ]);
    expect(answer.body.counts).toMatchObject({ created: 1, failed: 0 });
    const user = await rollcall.database.read.findOneByOrFail(UserEntity, { tenantId, userName: long });
    expect([user.displayName, user.givenName, user.familyName]).toEqual([long, long, long]);
  });
});
