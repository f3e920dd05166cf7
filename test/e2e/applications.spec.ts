import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FirstStartService } from '../../src/records/local-admins/first-start.service.js';
import type { HttpClient } from '../support/http-client.js';
import { seedTenant } from '../support/seed.js';
import { startApp, type TestApp } from '../support/start-app.js';

describe('/applications', () => {
  let rollcall: TestApp;
  let admin: HttpClient;
  let foreign: HttpClient;
  beforeAll(async () => {
    rollcall = await startApp();
    const [acme, other] = [await seedTenant(rollcall, 'acme'), await seedTenant(rollcall, 'other')];
    admin = await rollcall.clientWith(acme.id, ['applications:read', 'applications:write']);
    foreign = await rollcall.clientWith(other.id, ['applications:read', 'applications:write']);
  });
  afterAll(() => rollcall.stop());

  it('a tenant has a default one from its first day, which stays', async () => {
    const list = await admin.get<{ items: { id: string; isDefault: boolean; audience: string }[] }>('/applications');
    expect(list.body.items).toMatchObject([{ audience: 'acme', isDefault: true }]);
    const refused = await admin.delete(`/applications/${list.body.items[0]?.id}`);
    expect(refused).toMatchObject({ status: 409, body: { code: 'built_in' } });
    const unset = await admin.patch(`/applications/${list.body.items[0]?.id}`, { isDefault: false });
    expect(unset.status).toBe(409);
  });

  it('is created, read, changed by version and deleted', async () => {
    const made = await admin.post('/applications', {
      name: 'Reports',
      audience: 'https://reports.example.com',
      origins: ['https://reports.example.com'],
      roles: ['owner'],
    });
    expect(made).toMatchObject({ status: 201, body: { version: 1, isDefault: false, roles: ['owner'] } });
    const path = `/applications/${String(made.body.id)}`;
    expect((await admin.get(path)).headers.get('etag')).toBe('"1"');
    const changed = await admin.patch(path, { roles: null }, { 'if-match': '"1"' });
    expect(changed).toMatchObject({ status: 200, body: { version: 2, roles: null, name: 'Reports' } });
    expect(await admin.patch(path, { name: 'x' }, { 'if-match': '"1"' })).toMatchObject({
      status: 412,
      body: { code: 'version_conflict', version: 2 },
    });
    expect((await admin.delete(path)).status).toBe(204);
    expect((await admin.get(path)).status).toBe(404);
  });

  it('people log in to one from the moment that it is made', async () => {
    const link = await rollcall.app.get(FirstStartService).createLink();
    const person = { userName: 'ada', password: 'correct horse battery' };
    await rollcall.http.post('/setup', { token: link?.split('#token=')[1], ...person });
    const login = { tenant: 'main', ...person };
    const first = await rollcall.http.post('/auth/login', login);
    const owner = rollcall.http.as(String(first.body.access_token));
    expect((await owner.post('/applications', { name: 'Fresh', audience: 'fresh' })).status).toBe(201);
    expect((await rollcall.http.post('/auth/login', { ...login, application: 'fresh' })).status).toBe(200);
    expect((await rollcall.http.post('/auth/login', { ...login, application: 'nothing' })).status).toBe(401);
  });

  it('one of them is the default at any time', async () => {
    const made = await admin.post('/applications', { name: 'Next', audience: 'next' });
    expect((await admin.patch(`/applications/${String(made.body.id)}`, { isDefault: true })).status).toBe(200);
    const list = await admin.get<{ items: { id: string; audience: string; isDefault: boolean }[] }>('/applications');
    expect(list.body.items.filter((each) => each.isDefault).map((each) => each.audience)).toEqual(['next']);
    const old = list.body.items.find((each) => each.audience === 'acme');
    await admin.patch(`/applications/${old?.id}`, { isDefault: true });
  });

  it('an audience is unique in its tenant, byte for byte', async () => {
    expect((await admin.post('/applications', { name: 'A', audience: 'twin' })).status).toBe(201);
    expect(await admin.post('/applications', { name: 'B', audience: 'twin' })).toMatchObject({
      status: 409,
      body: { code: 'name_taken', faults: [{ pointer: '/audience' }] },
    });
    expect((await admin.post('/applications', { name: 'B', audience: 'Twin' })).status).toBe(201);
    expect((await foreign.post('/applications', { name: 'A', audience: 'twin' })).status).toBe(201);
  });

  it('every fault of a body is named', async () => {
    const shape = await admin.post('/applications', { name: ' x', audience: 'a b', origins: 'x', extra: 1 });
    expect(shape.status).toBe(400);
    const pointers = (shape.body.faults as { pointer: string }[]).map((fault) => fault.pointer);
    expect(new Set(pointers)).toEqual(new Set(['/name', '/audience', '/origins', '/extra']));
    const meaning = await admin.post('/applications', {
      name: 'x',
      audience: 'y',
      origins: ['https://ok.example', 'ftp://x'],
      roles: ['owner', 'nobody'],
    });
    expect(meaning.body.faults).toMatchObject([{ pointer: '/origins/1' }, { pointer: '/roles/1' }]);
  });

  it("a foreign tenant's is not there", async () => {
    const made = await admin.post('/applications', { name: 'Mine', audience: 'mine' });
    const path = `/applications/${String(made.body.id)}`;
    expect((await foreign.get(path)).status).toBe(404);
    expect((await foreign.patch(path, { name: 'x' })).status).toBe(404);
    expect((await foreign.delete(path)).status).toBe(404);
    expect((await admin.get(path)).body).toMatchObject({ name: 'Mine' });
  });

  it('lists come in pages', async () => {
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: { body: { items: { id: string }[]; cursor: string | null } } = await admin.get(
        `/applications?limit=2${cursor === null ? '' : `&cursor=${cursor}`}`,
      );
      seen.push(...page.body.items.map((each) => each.id));
      cursor = page.body.cursor;
    } while (cursor !== null);
    expect(new Set(seen).size).toBe(seen.length);
    const all = await admin.get<{ items: unknown[] }>('/applications?limit=200');
    expect(seen).toHaveLength(all.body.items.length);
    expect((await admin.get('/applications?limit=0')).status).toBe(400);
    expect((await admin.get('/applications?limit=201')).status).toBe(400);
    expect(await admin.get('/applications?cursor=%00')).toMatchObject({
      status: 400,
      body: { code: 'invalid_request' },
    });
  });
});
