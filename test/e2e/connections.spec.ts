import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  createConnection,
  MINIMAL,
  pointersOf,
  type SavedConnection,
  tenantWith,
} from '../support/connection-words.js';
import { startApp, type TestApp } from '../support/start-app.js';

let rollcall: TestApp;
beforeAll(async () => {
  rollcall = await startApp({ OUTBOUND_ALLOW: '10.1.0.0/16', ALLOW_LOOPBACK_HTTP: 'false' });
});
afterAll(() => rollcall.stop());

describe('a connection', () => {
  it('is created from name, issuer and audiences, and shows every default', async () => {
    const { http } = await tenantWith(rollcall);
    const answer = await http.post<SavedConnection>('/connections', MINIMAL);
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
    const { http } = await tenantWith(rollcall);
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
    const { http } = await tenantWith(rollcall);
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
    const { http } = await tenantWith(rollcall);
    const answer = await http.post('/connections', { ...MINIMAL, issuer: url, jwksUri: url });
    expect(answer.status).toBe(400);
    expect(new Set(pointersOf(answer))).toEqual(new Set(['/issuer', '/jwksUri']));
  });

  it('C6 takes a private address that the operator opened', async () => {
    const { http } = await tenantWith(rollcall);
    await createConnection(http, { issuer: 'https://10.1.0.9/realms/a' });
  });

  it.each(['https://accounts.google.com', 'https://login.microsoftonline.com/common/v2.0'])(
    'G9 refuses the shared issuer %s without requiredClaims',
    async (issuer) => {
      const { http } = await tenantWith(rollcall);
      expect(pointersOf(await http.post('/connections', { ...MINIMAL, issuer }))).toEqual(['/requiredClaims']);
      await createConnection(http, { issuer, requiredClaims: { hd: 'acme.com' } });
    },
  );

  it('G9 two connections of one issuer must differ in audiences or requiredClaims', async () => {
    const { http } = await tenantWith(rollcall);
    await createConnection(http, { requiredClaims: { org: ['a', 'b'] } });
    const twin = { ...MINIMAL, name: 'Twin', audiences: ['other', 'rollcall'], requiredClaims: { org: ['b', 'a'] } };
    expect(pointersOf(await http.post('/connections', twin))).toEqual(['/audiences']);
    const overlap = await createConnection(http, { name: 'Overlap', requiredClaims: { org: 'a' } });
    expect(overlap.warnings).toMatchObject([{ pointer: '/requiredClaims' }]);
    const apart = await createConnection(http, { name: 'Apart', requiredClaims: { org: 'c' } });
    expect(apart.warnings).toEqual([]);
    await createConnection(http, { name: 'Elsewhere', audiences: ['else'], requiredClaims: { org: ['a', 'b'] } });
  });

  it('has a name of its own in the tenant, in whatever case', async () => {
    const { http } = await tenantWith(rollcall);
    await createConnection(http);
    const again = { ...MINIMAL, name: 'ACME okta', audiences: ['x'] };
    expect(await http.post('/connections', again)).toMatchObject({ status: 409, body: { code: 'conflict' } });
    // A Cyrillic letter is another letter; only what nobody can see is refused.
    await createConnection(http, { name: 'Аcme Okta', audiences: ['x'] });
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
    const { http } = await tenantWith(rollcall);
    expect(new Set(pointersOf(await http.post('/connections', { ...MINIMAL, name })))).toEqual(new Set(['/name']));
  });

  it('takes the defaults of its preset, and what is said overrules them', async () => {
    const { http } = await tenantWith(rollcall);
    const entra = await createConnection(http, {
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
      'entra-legacy',
      'google',
      'keycloak',
      'auth0',
      'onelogin',
      'jumpcloud',
    ]);
  });

  it('tells what is odd, and saves all the same', async () => {
    const { http } = await tenantWith(rollcall);
    const saved = await createConnection(http, {
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
    const { http } = await tenantWith(rollcall);
    const mapping = { roles: [{ id: 'a', when: 'true', grant: ['admin'] }] };
    const refused = await http.post('/connections', { ...MINIMAL, allowedRoles: ['admin'], mapping });
    expect(pointersOf(refused)).toEqual(['/mapping/roles/0/grant/0']);
    const saved = await createConnection(http, { allowedRoles: ['admin'], allowPrivileged: true, mapping });
    expect(saved.warnings).toMatchObject([{ pointer: '/allowPrivileged' }]);
  });
});
