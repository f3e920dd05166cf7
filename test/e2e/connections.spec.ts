import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/platform/ids.js';
import { ConnectionsService } from '../../src/records/connections/connections.service.js';
import { createTenant, insertSession, sessionOf } from '../support/connection-rows.js';
import type { Answer, HttpClient } from '../support/http-client.js';
import { startApp, type TestApp } from '../support/start-app.js';

const ALL = ['connections:read', 'connections:write', 'connections:trust', 'sync-runs:read'];
const MINIMAL = { name: 'Acme Okta', issuer: 'https://acme.example.com', audiences: ['rollcall'] };

interface Saved {
  id: string;
  version: number;
  mappingVersion: number;
  replan: string | null;
  warnings: { pointer: string }[];
  [field: string]: unknown;
}

let rollcall: TestApp;
beforeAll(async () => {
  rollcall = await startApp({ OUTBOUND_ALLOW: '10.1.0.0/16', ALLOW_LOOPBACK_HTTP: 'false' });
});
afterAll(() => rollcall.stop());

async function tenantWith(permissions = ALL): Promise<{ tenantId: string; http: HttpClient }> {
  const tenantId = await createTenant(rollcall, ['viewer', 'editor'], { admin: ['users:write'] });
  return { tenantId, http: await rollcall.clientWith(tenantId, permissions) };
}

async function created(http: HttpClient, more: object = {}): Promise<Saved> {
  const answer = await http.post<Saved>('/connections', { ...MINIMAL, ...more });
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  return answer.body;
}

const etag = (version: number) => ({ 'if-match': `"${version}"` });
const pointersOf = (answer: Answer): string[] =>
  ((answer.body.faults ?? []) as { pointer: string }[]).map((fault) => fault.pointer);

describe('a connection', () => {
  it('is created from name, issuer and audiences, and shows every default', async () => {
    const { http } = await tenantWith();
    const answer = await http.post<Saved>('/connections', MINIMAL);
    expect(answer.status).toBe(201);
    expect(answer.headers.get('etag')).toBe('"1"');
    expect(answer.body).toMatchObject({
      ...MINIMAL,
      status: 'active',
      jwksUri: null,
      requiredClaims: {},
      authorizedParties: [],
      algorithms: ['RS256'],
      tokenTypes: ['JWT', 'at+jwt'],
      clockToleranceSeconds: 30,
      iatOffsetSeconds: 0,
      maxTokenAgeSeconds: 3600,
      maxLifetimeSeconds: 7200,
      oneTime: true,
      login: { enabled: true, createUsers: true, subject: 'claims.sub', match: [], maxSessionSeconds: 43200 },
      authority: 'push-first',
      mapping: { userName: 'claims.preferred_username', roles: [], strict: false, whenAbsent: 'keep' },
      allowedRoles: [],
      allowedEntitlements: [],
      allowPrivileged: false,
      authoritativeDomains: [],
      emailVerified: 'claim',
      preset: 'rfc',
      version: 1,
      mappingVersion: 1,
      warnings: [],
      replan: null,
    });
    const read = await http.get(`/connections/${answer.body.id}`);
    const { warnings: _, replan: __, ...shown } = answer.body;
    expect(read.body).toEqual(shown);
    expect(read.headers.get('etag')).toBe('"1"');
    expect((await http.get('/connections')).body).toEqual({ items: [shown], cursor: null });
  });

  it('names every fault of shape and of meaning at once, each at its field', async () => {
    const { http } = await tenantWith();
    const answer = await http.post('/connections', {
      ...MINIMAL,
      issuer: 'http://acme.example.com/?x=1',
      colour: 'red',
      __proto: 1,
      audiences: [],
      algorithms: ['HS256', 'none', 'RS256'],
      clockToleranceSeconds: 301,
      maxTokenAgeSeconds: 'long',
      tokenTypes: ['logout+jwt'],
      login: { enabled: 'yes', extra: true },
      allowedRoles: ['viewer', 'nobody'],
      authoritativeDomains: ['not a domain'],
      mapping: {
        colour: 'red',
        roles: [
          { id: 'a', when: 'claims.', grant: ['viewer'] },
          { id: 'b', when: `claims.email == 'ada@example.com'`, grant: ['editor'] },
          { id: 'c', when: 'true', grant: ['admin'] },
        ],
      },
    });
    expect(answer.status).toBe(400);
    expect(answer.body.code).toBe('invalid_request');
    expect(pointersOf(answer)).toEqual(
      expect.arrayContaining([
        '/issuer',
        '/colour',
        '/__proto',
        '/audiences',
        '/algorithms/0',
        '/algorithms/1',
        '/clockToleranceSeconds',
        '/maxTokenAgeSeconds',
        '/tokenTypes/0',
        '/login/enabled',
        '/login/extra',
        '/allowedRoles/1',
        '/authoritativeDomains/0',
        '/mapping/colour',
        '/mapping/roles/0/when',
        '/mapping/roles/1/when',
        '/mapping/roles/1/grant/0',
        '/mapping/roles/2/grant/0',
      ]),
    );
  });

  it.each([
    ['a list', '[]'],
    ['a text', '"x"'],
    ['null', 'null'],
    ['nothing', undefined],
    ['members of an object’s birth', '{"name":"x","issuer":"https://a.example","audiences":["x"],"__proto__":{"a":1}}'],
  ])('is not created from %s', async (_, body) => {
    const { http } = await tenantWith();
    expect(await http.post('/connections', body)).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  });

  it.each([
    ['http://127.0.0.1:4000', 'plain http'],
    ['https://127.0.0.1', 'a loopback address'],
    ['https://localhost', 'a loopback name'],
    ['https://10.2.0.1', 'a private address'],
    ['https://169.254.169.254', 'a metadata service'],
    ['https://[::ffff:10.2.0.1]', 'an address inside an address'],
    ['https://user@acme.example.com', 'a user name'],
    ['https://acme.example.com#x', 'a fragment'],
    ['https://acme.example.com/ ', 'a space'],
  ])('C6 refuses the issuer and jwksUri %s: %s', async (url) => {
    const { http } = await tenantWith();
    const answer = await http.post('/connections', { ...MINIMAL, issuer: url, jwksUri: url });
    expect(answer.status).toBe(400);
    expect(new Set(pointersOf(answer))).toEqual(new Set(['/issuer', '/jwksUri']));
  });

  it('C6 takes a private address that the operator opened', async () => {
    const { http } = await tenantWith();
    await created(http, { issuer: 'https://10.1.0.9/realms/a' });
  });

  it.each(['https://accounts.google.com', 'https://login.microsoftonline.com/common/v2.0'])(
    'G9 refuses the shared issuer %s without requiredClaims',
    async (issuer) => {
      const { http } = await tenantWith();
      expect(pointersOf(await http.post('/connections', { ...MINIMAL, issuer }))).toEqual(['/requiredClaims']);
      await created(http, { issuer, requiredClaims: { hd: 'acme.com' } });
    },
  );

  it('G9 two connections of one issuer must differ in audiences or requiredClaims', async () => {
    const { http } = await tenantWith();
    await created(http, { requiredClaims: { org: ['a', 'b'] } });
    const twin = { ...MINIMAL, name: 'Twin', audiences: ['other', 'rollcall'], requiredClaims: { org: ['b', 'a'] } };
    expect(pointersOf(await http.post('/connections', twin))).toEqual(['/audiences']);
    const overlap = await created(http, { name: 'Overlap', requiredClaims: { org: 'a' } });
    expect(overlap.warnings).toMatchObject([{ pointer: '/requiredClaims' }]);
    const apart = await created(http, { name: 'Apart', requiredClaims: { org: 'c' } });
    expect(apart.warnings).toEqual([]);
    await created(http, { name: 'Elsewhere', audiences: ['else'], requiredClaims: { org: ['a', 'b'] } });
  });

  it('has a name of its own in the tenant, in whatever case', async () => {
    const { http } = await tenantWith();
    await created(http);
    const again = { ...MINIMAL, name: 'ACME okta', audiences: ['x'] };
    expect(await http.post('/connections', again)).toMatchObject({ status: 409, body: { code: 'conflict' } });
    // A Cyrillic letter is another letter; only what nobody can see is refused.
    await created(http, { name: 'Аcme Okta', audiences: ['x'] });
  });

  it.each([
    '',
    ' Acme',
    'Acme ',
    'Ac  me',
    'Ac\u00a0me',
    'Ac\u200bme',
    'Ac\u202eme',
    'Ac\nme',
    'Ac\u0000me',
    'Ac\ud800me',
    'x'.repeat(201),
  ])('is not called %j', async (name) => {
    const { http } = await tenantWith();
    expect(new Set(pointersOf(await http.post('/connections', { ...MINIMAL, name })))).toEqual(new Set(['/name']));
  });

  it('takes the defaults of its preset, and what is said overrules them', async () => {
    const { http } = await tenantWith();
    const entra = await created(http, {
      issuer: 'https://login.microsoftonline.com/6f1f4a3c-0000-4000-8000-000000000000/v2.0',
      preset: 'entra',
      mapping: { groups: 'claims.roles' },
    });
    expect(entra).toMatchObject({
      iatOffsetSeconds: 300,
      emailVerified: 'claim',
      login: { subject: 'claims.oid', match: [{ claim: 'oid', field: 'externalId' }] },
      mapping: { groupKey: 'externalId', groups: 'claims.roles' },
    });
    expect(pointersOf(await http.post('/connections', { ...MINIMAL, name: 'x', preset: 'toString' }))).toEqual([
      '/preset',
    ]);
    const presets = await http.get<{ items: { name: string }[] }>('/connections/presets');
    expect(presets.body.items.map((each) => each.name)).toEqual([
      'rfc',
      'okta',
      'entra',
      'google',
      'keycloak',
      'auth0',
      'onelogin',
      'jumpcloud',
    ]);
  });

  it('tells what is odd, and saves all the same', async () => {
    const { http } = await tenantWith();
    const saved = await created(http, {
      allowedRoles: ['viewer', 'admin'],
      emailVerified: 'always',
      authoritativeDomains: ['GMAIL.com'],
      mapping: {
        roles: [
          { id: 'a', when: `'x' in claims.groups`, grant: ['viewer'] },
          { id: 'b', when: `'x' in claims.groups`, grant: ['viewer'] },
          { id: 'c', when: 'false', grant: ['viewer'] },
        ],
      },
    });
    expect(saved.warnings.map((each) => each.pointer)).toEqual([
      '/mapping/roles/1',
      '/mapping/roles/2',
      '/allowedRoles/1',
      '/emailVerified',
      '/authoritativeDomains/0',
    ]);
    expect(saved.authoritativeDomains).toEqual(['gmail.com']);
  });

  it('E7 grants no privileged role without allowPrivileged', async () => {
    const { http } = await tenantWith();
    const mapping = { roles: [{ id: 'a', when: 'true', grant: ['admin'] }] };
    const refused = await http.post('/connections', { ...MINIMAL, allowedRoles: ['admin'], mapping });
    expect(pointersOf(refused)).toEqual(['/mapping/roles/0/grant/0']);
    const saved = await created(http, { allowedRoles: ['admin'], allowPrivileged: true, mapping });
    expect(saved.warnings).toMatchObject([{ pointer: '/allowPrivileged' }]);
  });
});

describe('a change of a connection', () => {
  it('needs the version that was read', async () => {
    const { http } = await tenantWith();
    const { id } = await created(http);
    const body = { oneTime: false };
    expect(await http.patch(`/connections/${id}`, body)).toMatchObject({
      status: 428,
      body: { code: 'version_required' },
    });
    expect(await http.patch(`/connections/${id}`, body, etag(2))).toMatchObject({ status: 412, body: { version: 1 } });
    expect(await http.put(`/connections/${id}`, MINIMAL)).toMatchObject({ status: 428 });
    const saved = await http.patch(`/connections/${id}`, body, etag(1));
    expect(saved).toMatchObject({ status: 200, body: { oneTime: false, version: 2, mappingVersion: 1, replan: null } });
    expect(saved.headers.get('etag')).toBe('"2"');
  });

  it('is a merge patch: null resets to the default, and unmaps where there is an expression', async () => {
    const { http } = await tenantWith();
    const { id } = await created(http, {
      preset: 'auth0',
      maxTokenAgeSeconds: 60,
      maxLifetimeSeconds: 60,
      requiredClaims: { org: 'a', hd: 'b' },
      mapping: { attributes: { a: 'claims.a', b: 'claims.b' } },
    });
    const patch = {
      maxLifetimeSeconds: null,
      requiredClaims: { hd: null },
      mapping: { email: null, attributes: { a: null } },
    };
    expect((await http.patch(`/connections/${id}`, patch, etag(1))).body).toMatchObject({
      maxTokenAgeSeconds: 60,
      maxLifetimeSeconds: 36_000,
      requiredClaims: { org: 'a' },
      mapping: { email: null, userName: 'claims.email', attributes: { b: 'claims.b' } },
    });
    expect(pointersOf(await http.patch(`/connections/${id}`, { name: null, colour: 1 }, etag(2))).sort()).toEqual([
      '/colour',
      '/name',
    ]);
  });

  it('that means the same is no change: same version, no event, no run', async () => {
    const { http, tenantId } = await tenantWith();
    const { warnings: _, replan: __, ...first } = await created(http, { allowedRoles: ['viewer', 'editor'] });
    const again = await http.put(
      `/connections/${first.id}`,
      { ...first, allowedRoles: ['editor', 'viewer'], mapping: {} },
      etag(1),
    );
    expect(again).toMatchObject({ status: 200, body: { version: 1, mappingVersion: 1, replan: null } });
    expect((await http.patch(`/connections/${first.id}`, {}, etag(1))).body).toMatchObject({ version: 1 });
    const events = await rollcall.database.read.query('SELECT type FROM events WHERE tenantId = ?', [tenantId]);
    expect(events).toHaveLength(1);
    expect(pointersOf(await http.put(`/connections/${first.id}`, { ...first, version: 9 }, etag(1)))).toEqual([
      '/version',
    ]);
  });

  it('PUT gives what is left out its default', async () => {
    const { http } = await tenantWith();
    const { id } = await created(http, { oneTime: false, mapping: { strict: true } });
    expect((await http.put(`/connections/${id}`, MINIMAL, etag(1))).body).toMatchObject({
      oneTime: true,
      mapping: { strict: false },
    });
  });

  it('of the mapping keeps the old one, and orders a re-plan in the same transaction', async () => {
    const { http } = await tenantWith();
    const { id } = await created(http, { allowedRoles: ['viewer'] });
    const mapping = { roles: [{ id: 'all', when: 'true', grant: ['viewer'] }] };
    const saved = await http.patch<Saved>(`/connections/${id}`, { mapping }, etag(1));
    expect(saved.body).toMatchObject({ version: 2, mappingVersion: 2 });
    const run = await http.get(`/sync-runs/${saved.body.replan}`);
    expect(run.body).toMatchObject({
      connection: id,
      kind: 'replan',
      status: 'running',
      mappingVersion: 2,
      counts: {},
    });
    const versions = await http.get<{ items: object[]; cursor: string }>(`/connections/${id}/mappings?limit=1`);
    expect(versions.body.items).toMatchObject([{ version: 2 }]);
    const rest = await http.get(`/connections/${id}/mappings?cursor=${versions.body.cursor}`);
    expect(rest.body).toMatchObject({ items: [{ version: 1 }], cursor: null });
    expect((await http.get(`/connections/${id}/mappings/1`)).body).toMatchObject({
      version: 1,
      mapping: { roles: [] },
    });
    expect((await http.get(`/connections/${id}/mappings/2`)).body).toMatchObject({ mapping, allowedRoles: ['viewer'] });
    for (const wrong of ['3', '0', '-1', 'x']) {
      expect((await http.get(`/connections/${id}/mappings/${wrong}`)).status).toBe(404);
    }
  });

  it.each([
    ['authority', { authority: 'newest' }],
    ['allowedRoles', { allowedRoles: ['viewer'] }],
    ['allowedEntitlements', { allowedEntitlements: ['report:*'] }],
    ['allowPrivileged', { allowPrivileged: true }],
    ['authoritativeDomains', { authoritativeDomains: ['acme.example'] }],
    ['emailVerified', { emailVerified: 'always' }],
  ])('of %s counts up the mapping’s version', async (_, patch) => {
    const { http } = await tenantWith();
    const { id } = await created(http);
    const saved = await http.patch<Saved>(`/connections/${id}`, patch, etag(1));
    expect(saved.body).toMatchObject({ mappingVersion: 2, replan: expect.any(String) });
  });

  it('that asks for more trust needs connections:trust, and ends the sessions of the connection alone', async () => {
    const { http, tenantId } = await tenantWith();
    const writer = await rollcall.clientWith(tenantId, ['connections:read', 'connections:write']);
    const { id } = await created(http);
    const mine = await insertSession(rollcall, tenantId, id);
    const other = await insertSession(rollcall, tenantId, newId());
    const refused = await writer.patch(
      `/connections/${id}`,
      { audiences: ['x'], login: { subject: 'claims.email' }, conditions: { amr: ['mfa'] } },
      etag(1),
    );
    // Faults come before permissions: the subject must not be read from an unverified address.
    expect(refused).toMatchObject({ status: 400, body: { faults: [{ pointer: '/login/subject' }] } });
    const patch = { audiences: ['x'], login: { subject: 'claims.oid' } };
    expect(await writer.patch(`/connections/${id}`, patch, etag(1))).toMatchObject({
      status: 403,
      body: { permission: 'connections:trust', faults: [{ pointer: '/audiences' }, { pointer: '/login/subject' }] },
    });
    expect((await writer.patch(`/connections/${id}`, { oneTime: false }, etag(1))).status).toBe(200);
    expect(await sessionOf(rollcall, mine)).toMatchObject({ endedAt: null });
    expect((await http.patch(`/connections/${id}`, patch, etag(2))).status).toBe(200);
    expect(await sessionOf(rollcall, mine)).toMatchObject({ endReason: 'connection_changed' });
    expect(await sessionOf(rollcall, other)).toMatchObject({ endedAt: null });
  });

  it('by someone without connections:trust gives out no permission that they do not hold', async () => {
    const { http, tenantId } = await tenantWith();
    const writer = await rollcall.clientWith(tenantId, ['connections:write']);
    const holder = await rollcall.clientWith(tenantId, ['connections:write', 'users:write']);
    const { id } = await created(http, { allowedRoles: ['admin'], allowPrivileged: true });
    const mapping = { roles: [{ id: 'me', when: 'true', grant: ['admin'] }] };
    expect(await writer.patch(`/connections/${id}`, { mapping }, etag(1))).toMatchObject({
      status: 403,
      body: { code: 'may_not_grant', permissions: ['users:write'] },
    });
    expect((await holder.patch(`/connections/${id}`, { mapping }, etag(1))).status).toBe(200);
  });

  it('of twenty at once, one wins each round and none is lost', async () => {
    const { http } = await tenantWith();
    const { id } = await created(http);
    let pending = Array.from({ length: 20 }, (_, i) => i);
    for (let version = 1; pending.length > 0; version++) {
      const answers = await Promise.all(
        pending.map(async (i) => ({
          i,
          status: (
            await http.patch(
              `/connections/${id}`,
              { mapping: { attributes: { [`a${i}`]: 'claims.x' } } },
              etag(version),
            )
          ).status,
        })),
      );
      const won = answers.filter((each) => each.status === 200).map((each) => each.i);
      expect(won).toHaveLength(1);
      expect(answers.filter((each) => each.status === 412)).toHaveLength(pending.length - 1);
      pending = pending.filter((i) => i !== won[0]);
    }
    const end = await http.get<{ mapping: { attributes: object } }>(`/connections/${id}`);
    expect(end.body).toMatchObject({ version: 21, mappingVersion: 21 });
    expect(Object.keys(end.body.mapping.attributes)).toHaveLength(20);
  });

  it('of twenty creations of one name at once, one wins', async () => {
    const { http } = await tenantWith();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => http.post('/connections', { ...MINIMAL, audiences: [`a${i}`] })),
    );
    expect(answers.map((each) => each.status).sort()).toEqual([201, ...Array.from({ length: 19 }, () => 409)]);
  });
});

describe('who may', () => {
  it.each([
    ['GET', '', 'connections:read'],
    ['GET', '/presets', 'connections:read'],
    ['POST', '', 'connections:trust'],
    ['PUT', '/x', 'connections:write'],
    ['PATCH', '/x', 'connections:write'],
    ['POST', '/x/disable', 'connections:write'],
    ['POST', '/x/enable', 'connections:trust'],
    ['DELETE', '/x', 'connections:trust'],
    ['GET', '/x/mappings', 'connections:read'],
    ['GET', '/x/mappings/1', 'connections:read'],
  ])('%s /connections%s: %s', async (method, path, permission) => {
    const { tenantId } = await tenantWith();
    const others = ALL.filter((each) => each !== permission);
    const without = await rollcall.clientWith(tenantId, others);
    const withIt = await rollcall.clientWith(tenantId, [permission]);
    const body = method === 'GET' || method === 'DELETE' ? undefined : {};
    expect(await without.send(method, `/connections${path}`, body, {})).toMatchObject({
      status: 403,
      body: { permission },
    });
    expect((await withIt.send(method, `/connections${path}`, body, {})).status).not.toBe(403);
  });

  it('nobody sees or changes a foreign tenant’s connection, nor one that their key is not bound to', async () => {
    const { http, tenantId } = await tenantWith();
    const saved = await created(http, { allowedRoles: ['viewer'] });
    const run = await http.patch<Saved>(`/connections/${saved.id}`, { authority: 'newest' }, etag(1));
    const foreign = (await tenantWith()).http;
    const bound = await rollcall.clientWith(tenantId, ALL, newId());
    for (const who of [foreign, bound]) {
      const path = `/connections/${saved.id}`;
      const answers = [
        await who.get(path),
        await who.put(path, MINIMAL, etag(2)),
        await who.patch(path, {}, etag(2)),
        await who.post(`${path}/disable`),
        await who.post(`${path}/enable`),
        await who.delete(`${path}?force=true`),
        await who.get(`${path}/mappings`),
        await who.get(`${path}/mappings/1`),
        await who.get(`/sync-runs/${run.body.replan}`),
      ];
      expect(answers.map((each) => each.status)).toEqual(Array.from({ length: 9 }, () => 404));
      expect((await who.get('/connections')).body).toEqual({ items: [], cursor: null });
      expect((await who.get('/sync-runs')).body).toEqual({ items: [], cursor: null });
    }
    expect((await bound.post('/connections', MINIMAL)).status).toBe(403);
    expect((await http.get('/sync-runs?kind=replan&limit=1')).body).toMatchObject({ items: [{ id: run.body.replan }] });
    expect((await http.get('/sync-runs?kind=push')).body).toEqual({ items: [], cursor: null });
  });
});

describe('the connections of an issuer', () => {
  it('are the active ones of active tenants', async () => {
    const issuer = `https://${newId()}.example.com`;
    const one = await tenantWith();
    const two = await tenantWith();
    const kept = await created(one.http, { issuer });
    const disabled = await created(one.http, { issuer, name: 'Off', audiences: ['off'] });
    await created(two.http, { issuer });
    await one.http.post(`/connections/${disabled.id}/disable`);
    await rollcall.database.transaction((tx) =>
      tx.query(`UPDATE tenants SET status = 'suspended' WHERE id = ?`, [two.tenantId]),
    );
    const found = await rollcall.app.get(ConnectionsService, { strict: false }).findByIssuer(issuer);
    expect(found).toMatchObject([{ id: kept.id, settings: { audiences: ['rollcall'] } }]);
    expect(await rollcall.app.get(ConnectionsService, { strict: false }).findByIssuer(issuer.toUpperCase())).toEqual(
      [],
    );
  });
});
