import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { CredentialVault } from '../../src/records/sources/credential-vault.js';
import { ConnectionSourceEntity } from '../../src/records/sources/source.entity.js';
import { EventEntity } from '../../src/ledger/event.entity.js';
import type { Answer, HttpClient } from '../support/http-client.js';
import { seedCustomer, seedFullConnection } from '../support/seed-customer.js';
import { startApp, type TestApp } from '../support/start-app.js';

const SECRET = 'hunter2-hunter2';
const SCIM = { type: 'scim', url: 'https://hr.example.com/scim/v2' };
const BEARER = { kind: 'bearer', token: SECRET };

interface Faults {
  code: string;
  faults: { pointer: string; detail: string }[];
}

describe("a connection's source", () => {
  let rollcall: TestApp;
  let admin: HttpClient;
  let tenantId: string;
  let connectionId: string;
  beforeAll(async () => {
    rollcall = await startApp();
  });
  afterAll(() => rollcall.stop());
  beforeEach(async () => {
    tenantId = await seedCustomer(rollcall);
    connectionId = await seedFullConnection(rollcall, tenantId);
    admin = await rollcall.clientWith(tenantId, ['connections:read', 'connections:trust', 'connections:write']);
  });

  const path = () => `/connections/${connectionId}/source`;
  const put = <T = Record<string, unknown>>(body: object, ifMatch?: string): Promise<Answer<T>> =>
    admin.put<T>(path(), body, ifMatch === undefined ? {} : { 'if-match': ifMatch });
  const stored = () => rollcall.database.read.findOneByOrFail(ConnectionSourceEntity, { connectionId });

  it('is set with the defaults of its type, and read as it was set', async () => {
    expect((await admin.get(path())).status).toBe(404);
    const set = await put({ ...SCIM, url: `${SCIM.url}/` });
    expect([set.status, set.headers.get('etag')]).toEqual([200, '"1"']);
    expect(set.body).toMatchObject({
      connection: connectionId,
      ...SCIM,
      paging: 'auto',
      pageSize: 200,
      externalId: 'id',
      groups: 'list',
      credential: null,
      schedule: { cron: null, fullCron: null, timeZone: 'UTC', jitterSeconds: 0, nextAt: null, nextFullAt: null },
      suspended: null,
      failures: 0,
      lastRun: null,
      version: 1,
    });
    expect((await admin.get(path())).body).toEqual(set.body);
    const json = await put({ type: 'json', url: 'https://hr.example.com/people?active=1', items: '/users' }, '"1"');
    expect(json.body).toMatchObject({ type: 'json', items: '/users', next: null, nextParameter: null, fields: null });
    expect(json.body).not.toHaveProperty('paging');
    const rollcallSource = { type: 'rollcall', url: 'https://primary.example.com', primaryId: 'p-1' };
    expect((await put(rollcallSource, '"2"')).body).toMatchObject(rollcallSource);
  });

  it.each([
    ['bearer', BEARER],
    ['basic', { kind: 'basic', userName: 'rollcall', password: SECRET }],
    ['header', { kind: 'header', name: 'X-Api-Key', value: SECRET }],
  ])('keeps a %s credential sealed: neither answers, rows nor events show it', async (_, credential) => {
    const set = await put({ ...SCIM, credential });
    expect(set.body).toMatchObject({ credential: { keyId: expect.stringMatching(/^[\w-]{8}$/) } });
    const got = await admin.get(path());
    const row = await stored();
    const events = await rollcall.database.read.findBy(EventEntity, { tenantId });
    for (const told of [set.body, got.body, row, events]) expect(JSON.stringify(told)).not.toContain(SECRET);
    expect(rollcall.app.get(CredentialVault).open(row)).toEqual(credential);
    expect(() => rollcall.app.get(CredentialVault).open({ ...row, connectionId: 'another' })).toThrow(
      'another purpose',
    );
  });

  it('keeps its credential where none is sent, loses it by null, and takes it to no other host', async () => {
    await put({ ...SCIM, credential: BEARER });
    const { sealedCredential } = await stored();
    expect((await put({ ...SCIM, pageSize: 50 }, '"1"')).status).toBe(200);
    expect((await stored()).sealedCredential).toBe(sealedCredential);
    const elsewhere = { type: 'scim', url: 'https://evil.example.com/scim/v2' };
    const refused = await put<Faults>(elsewhere, '"2"');
    expect([refused.status, refused.body.faults?.map(({ pointer }) => pointer)]).toEqual([400, ['/credential']]);
    expect((await put({ ...elsewhere, credential: null }, '"2"')).body).toMatchObject({ credential: null });
    expect((await put({ ...SCIM, credential: BEARER }, '"3"')).status).toBe(200);
  });

  it.each<[string, object]>([
    ['scim', { ...SCIM, credential: BEARER, schedule: { cron: '*/5 * * * *' } }],
    ['json', { type: 'json', url: 'https://hr.example.com/a', credential: null, fields: { externalId: '/no' } }],
    ['rollcall', { type: 'rollcall', url: 'https://primary.example.com', primaryId: 'p-1', credential: BEARER }],
  ])('of type %s that is set again as it is stays the version that it was, and nothing is noted', async (_, body) => {
    const first = await put(body);
    const again = await put(body, '"1"');
    expect([again.status, again.headers.get('etag'), again.body]).toEqual([200, '"1"', first.body]);
    const sets = { tenantId, type: 'connection.source_set' };
    expect(await rollcall.database.read.countBy(EventEntity, sets)).toBe(1);
    const other = { kind: 'bearer', token: 'another' };
    expect((await put({ ...body, credential: other }, '"1"')).body).toMatchObject({ version: 2 });
    expect(rollcall.app.get(CredentialVault).open(await stored())).toEqual(other);
    expect((await put({ ...body, credential: null }, '"2"')).body).toMatchObject({ version: 3, credential: null });
  });

  it('is replaced only by who has read it', async () => {
    expect((await put(SCIM, '"1"')).status).toBe(412);
    await put(SCIM);
    expect((await put(SCIM)).status).toBe(428);
    expect((await put(SCIM, '"7"')).status).toBe(412);
    const both = await Promise.all([put({ ...SCIM, pageSize: 5 }, '"1"'), put({ ...SCIM, pageSize: 6 }, '"1"')]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 412]);
  });

  it('begins anew where another place is read, and not where only its schedule or credential changes', async () => {
    await put(SCIM);
    const state = { state: 'seen', page: null };
    await rollcall.database.transaction((tx) => tx.update(ConnectionSourceEntity, { connectionId }, { state }));
    await put({ ...SCIM, credential: BEARER, schedule: { cron: '*/5 * * * *' } }, '"1"');
    expect((await stored()).state).toEqual(state);
    await put({ ...SCIM, groups: 'none' }, '"2"');
    expect((await stored()).state).toBeNull();
  });

  it('has a schedule whose next times follow from it', async () => {
    const schedule = { cron: '*/5 * * * *', fullCron: '0 3 * * 0', timeZone: 'Europe/Berlin', jitterSeconds: 0 };
    const { body } = await put<{ schedule: { nextAt: string; nextFullAt: string } }>({ ...SCIM, schedule });
    expect(Date.parse(body.schedule.nextAt) % 300_000).toBe(0);
    expect(Date.parse(body.schedule.nextAt)).toBeGreaterThan(Date.now());
    expect(Date.parse(body.schedule.nextAt)).toBeLessThanOrEqual(Date.now() + 300_000);
    expect(new Date(body.schedule.nextFullAt).getUTCDay()).toBe(0);
    const without = await put({ ...SCIM, schedule: null }, '"1"');
    expect(without.body).toMatchObject({ schedule: { cron: null, nextAt: null, nextFullAt: null } });
  });

  it.each<[string, object, string[]]>([
    ['no URL', { type: 'scim', url: 'hr' }, ['/url']],
    ['plain http', { type: 'scim', url: 'http://hr.example.com/scim' }, ['/url']],
    ['an address inside', { type: 'scim', url: 'https://10.0.0.1/scim' }, ['/url']],
    ['the metadata service', { type: 'json', url: 'https://169.254.169.254/latest' }, ['/url']],
    ['a password in the URL', { type: 'scim', url: 'https://a:b@hr.example.com' }, ['/url']],
    ['a query where none is', { type: 'scim', url: 'https://hr.example.com/scim?x=1' }, ['/url']],
    ['a fragment', { type: 'json', url: 'https://hr.example.com/#x' }, ['/url']],
    ['a file', { type: 'json', url: 'file:///etc/passwd' }, ['/url']],
    ['settings of another type', { ...SCIM, items: '/a', fields: null }, ['/items', '/fields']],
    ['a type that is none', { type: 'ldap', url: 'https://hr.example.com' }, ['/type']],
    ['no primary', { type: 'rollcall', url: 'https://hr.example.com' }, ['/primaryId']],
    [
      'pointers that are none',
      {
        type: 'json',
        url: 'https://hr.example.com',
        items: 'users',
        next: 'x',
        fields: { userName: 'login', nick: '/n' },
      },
      ['/items', '/next', '/fields/externalId', '/fields/userName', '/fields/nick'],
    ],
    [
      'a parameter for nothing',
      { type: 'json', url: 'https://hr.example.com', nextParameter: 'p' },
      ['/nextParameter'],
    ],
    [
      'a schedule that never comes',
      { ...SCIM, schedule: { cron: 'often', fullCron: '0 0 30 2 *', timeZone: 'Mars/Olympus' } },
      ['/schedule/cron', '/schedule/fullCron', '/schedule/timeZone'],
    ],
    [
      'half a credential',
      { ...SCIM, credential: { kind: 'basic', userName: 'a:b' } },
      ['/credential/password', '/credential/userName'],
    ],
    ['parts of two', { ...SCIM, credential: { ...BEARER, name: 'x' } }, ['/credential/name']],
    [
      'a token of two lines',
      { ...SCIM, credential: { kind: 'bearer', token: `${SECRET}\r\nx: y` } },
      ['/credential/token'],
    ],
    [
      'a header of ours',
      { ...SCIM, credential: { kind: 'header', name: 'Host', value: SECRET } },
      ['/credential/name'],
    ],
    ['an unknown field', { ...SCIM, more: 1 }, ['/more']],
  ])('%s is refused, with every fault at its place', async (_, body, pointers) => {
    const { status, body: problem } = await put<Faults>(body);
    expect([status, problem.faults?.map(({ pointer }) => pointer).sort()]).toEqual([400, [...pointers].sort()]);
    expect(JSON.stringify(problem)).not.toContain(SECRET);
  });

  it('is set by those alone who say whom the tenant trusts', async () => {
    const writer = await rollcall.clientWith(tenantId, ['connections:read', 'connections:write']);
    expect((await writer.put(path(), SCIM)).status).toBe(403);
    expect((await writer.delete(path())).status).toBe(403);
    const foreign = await rollcall.clientWith(await seedCustomer(rollcall), ['connections:read', 'connections:trust']);
    await put(SCIM);
    expect((await foreign.get(path())).status).toBe(404);
    expect((await foreign.put(path(), SCIM, { 'if-match': '"1"' })).status).toBe(404);
    expect((await foreign.delete(path())).status).toBe(404);
    const other = await seedFullConnection(rollcall, tenantId);
    const bound = await rollcall.clientWith(tenantId, ['connections:read'], other);
    expect((await bound.get(path())).status).toBe(404);
  });

  it('is removed by who names its version, and each change is in the ledger by its fields', async () => {
    await put({ ...SCIM, credential: BEARER });
    await put({ ...SCIM, pageSize: 9, schedule: { cron: '0 * * * *' } }, '"1"');
    expect((await admin.delete(path(), { 'if-match': '"1"' })).status).toBe(412);
    expect((await admin.delete(path(), { 'if-match': '"2"' })).status).toBe(204);
    expect((await admin.delete(path())).status).toBe(404);
    const events = await rollcall.database.read.find(EventEntity, { where: { tenantId }, order: { id: 'ASC' } });
    const changes = events.filter(({ type }) => type.startsWith('connection.source'));
    expect(changes.map(({ type, fields }) => [type, fields])).toEqual([
      ['connection.source_set', expect.arrayContaining(['source.url', 'source.credential', 'source.type'])],
      ['connection.source_set', ['source.pageSize', 'source.schedule']],
      ['connection.source_removed', ['source']],
    ]);
  });

  it('that is set anew after it was removed never has a version that another one had', async () => {
    await put(SCIM);
    await put({ ...SCIM, pageSize: 9 }, '"1"');
    await admin.delete(path(), { 'if-match': '"2"' });
    expect((await put(SCIM)).body).toMatchObject({ version: 3 });
    await admin.delete(path(), { 'if-match': '"3"' });
    expect((await put(SCIM)).body).toMatchObject({ version: 4 });
  });

  it('is set by the examples of its page', async () => {
    const examples = [...readFileSync('docs/sources.md', 'utf8').matchAll(/```json\n(.*?)```/gs)];
    expect(examples).toHaveLength(2);
    for (const [version, [, text = '']] of examples.entries()) {
      const body = JSON.parse(text.replace('"…"', '"a-token"')) as object;
      const { status } = await put(
        { ...body, ...(version === 1 ? { credential: null } : {}) },
        version ? '"1"' : undefined,
      );
      expect(status).toBe(200);
    }
  });

  it('goes with its connection', async () => {
    await put(SCIM);
    expect((await admin.delete(`/connections/${connectionId}`)).status).toBe(204);
    expect(await rollcall.database.read.countBy(ConnectionSourceEntity, { connectionId })).toBe(0);
  });
});
