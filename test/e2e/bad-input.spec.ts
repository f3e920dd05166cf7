import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { UserEntity } from '../../src/records/users/user.entity.js';
import type { Answer, HttpClient } from '../support/http-client.js';
import { type LoopbackIdp, startLoopbackIdp } from '../support/loopback-idp.js';
import { seedCustomer, seedFullConnection } from '../support/seed-customer.js';
import { startApp, type TestApp } from '../support/start-app.js';

interface Fault {
  pointer: string;
  detail: string;
}
/** Every route that reads a JSON body, and a client's body that it would take. */
const ROUTES: [method: string, path: string, sample: object][] = [
  ['POST', '/auth/login', { token: 'x' }],
  ['POST', '/auth/refresh', { refresh_token: 'x' }],
  ['POST', '/users/sync', { users: [] }],
  ['POST', '/users', { userName: 'ada' }],
  ['PATCH', '/users/:user', { displayName: 'Ada' }],
  ['POST', '/users/:user/merge', { from: 'x' }],
  ['PUT', '/users/:user/roles/viewer', { reason: 'x' }],
  ['PUT', '/users/:user/blocks/roles/viewer', { reason: 'x' }],
  ['POST', '/connections', { name: 'x', issuer: 'https://x.example.com', audiences: ['x'] }],
  ['PUT', '/connections/:connection', { name: 'x', issuer: 'https://x.example.com', audiences: ['x'] }],
  ['PATCH', '/connections/:connection', { name: 'x' }],
  ['POST', '/connections/:connection/dry-run', { oneTime: false }],
  ['POST', '/connections/:connection/explain', { claims: {} }],
  ['POST', '/roles', { key: 'x', name: 'X', permissions: [] }],
  ['POST', '/applications', { name: 'X', audience: 'x' }],
  ['POST', '/api-keys', { name: 'x', scopes: ['users:read'] }],
];

const ALL = [
  'users:read',
  'users:write',
  'users:sync',
  'identities:link',
  'connections:read',
  'connections:write',
  'connections:trust',
  'roles:read',
  'roles:write',
  'roles:grant',
  'applications:read',
  'applications:write',
  'api-keys:read',
  'api-keys:write',
  'reports:read',
  'reports:write',
];

describe('bad input', () => {
  let rollcall: TestApp;
  let idp: LoopbackIdp;
  let tenantId: string;
  let connection: string;
  let admin: HttpClient;
  let userId: string;
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
    admin = await rollcall.clientWith(tenantId, ALL);
    const users = [{ externalId: 'first', userName: 'first@x.example' }];
    const { body } = await admin.post<{ results: { userId: string }[] }>('/users/sync', { users, connection });
    userId = String(body.results[0]?.userId);
  });

  const send = (method: string, path: string, body: unknown): Promise<Answer> =>
    (path.startsWith('/auth/') ? rollcall.http : admin).send(
      method,
      path.replace(':user', userId).replace(':connection', connection),
      body,
      { 'if-match': '"1"' },
    );
  const names = async () =>
    (await rollcall.database.read.findBy(UserEntity, { tenantId })).map(({ userName }) => userName).sort();

  describe.each(ROUTES)('%s %s', (method, path, sample) => {
    it('malformed and misshapen bodies are a clear 400', async () => {
      const cases: [body: string, code: string][] = [
        ['{"name": "x",', 'invalid_json'],
        ['name=x', 'invalid_json'],
        [`{"name":${'['.repeat(5000)}${']'.repeat(5000)}}`, 'invalid_json'],
        ['{"__proto__": {"isAdmin": true}}', 'invalid_request'],
        [path === '/users/sync' ? '{"users": 1}' : '[[[1]]]', 'invalid_request'],
        ['12345678901234567890123456789012345678901234567890', 'invalid_request'],
        ['"text"', 'invalid_request'],
        ['null', 'invalid_request'],
      ];
      for (const [body, code] of cases) {
        const answer = await send(method, path, body);
        expect([body.slice(0, 50), answer.status, answer.body.code]).toEqual([body.slice(0, 50), 400, code]);
      }
    });

    it('every unknown field and wrong type is named at once', async () => {
      const wrong = Object.fromEntries(Object.keys(sample).map((name) => [name, 1e308]));
      const answer = await send(method, path, { ...wrong, 'surprise/a~b': 1, another: { x: 1 } });
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
      const pointers = (answer.body.faults as Fault[]).map(({ pointer }) => pointer);
      expect(pointers).toEqual(expect.arrayContaining(['/surprise~1a~0b', '/another']));
      if (path !== '/connections/:connection/dry-run') {
        expect(pointers.length).toBeGreaterThanOrEqual(2 + Object.keys(sample).length);
      }
    });

    it('lone surrogates and NUL never reach the database', async () => {
      for (const bad of ['\\ud800', 'a\\u0000b', '\\udfff\\ud800']) {
        const [name] = Object.keys(sample);
        const answer = await send(method, path, `{"${name}": "${bad}", "${bad}": 1}`);
        expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
      }
    });

    it('a body that is cut off is answered or closed, and changes nothing', async () => {
      const before = await names();
      const text = JSON.stringify(sample);
      const url = new URL(rollcall.url);
      const target = path.replace(':user', userId).replace(':connection', connection);
      for (const shorter of [1, text.length - 1]) {
        const socket = connect(Number(url.port), url.hostname);
        await once(socket, 'connect');
        socket.on('error', () => undefined).resume();
        const head = `${method} ${target} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${admin.credential}\r\nif-match: "1"\r\n`;
        socket.end(
          `${head}content-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text.slice(0, -shorter)}`,
        );
        await once(socket, 'close');
      }
      expect(await names()).toEqual(before);
    });
  });

  it('queries and paths that make no sense are 4xx', async () => {
    for (const path of [
      '/users?limit=1e9',
      '/users?limit=-1',
      '/users?cursor=%00',
      '/users?cursor=AAAA',
      '/users?sort=__proto__',
      '/users?nobody=1',
      '/users/not-an-id',
      '/users/%00',
      '/users/%ED%A0%80',
      `/users/${'x'.repeat(5000)}`,
      '/connections/x',
      '/connections/%00/mappings/99999999999999999999',
      '/sync-runs/%F0%9F%98%80',
      '/roles/..%2f..%2fetc',
    ]) {
      const answer = await admin.get(path);
      expect([path, answer.status >= 400 && answer.status < 500]).toEqual([path, true]);
    }
  });
});
