import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from 'node:net';
import { newId } from '../../src/platform/ids.js';
import { Database } from '../../src/platform/database.js';
import type { HttpClient } from '../support/http-client.js';
import {
  createUser,
  ERROR_URN,
  makeScimWorld,
  patchOf,
  type ScimResourceBody,
  type ScimWorld,
  seedScimConnection,
  userBody,
} from '../support/scim-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

let rollcall: TestApp;
let world: ScimWorld;
let scim: HttpClient;
let ada: ScimResourceBody;

beforeAll(async () => {
  rollcall = await startApp();
  world = await makeScimWorld(rollcall);
  scim = world.scim;
  ada = await createUser(scim, 'ada@example.com');
});
afterAll(() => rollcall.stop());

interface Seen {
  status: number;
  headers: Headers;
  body: unknown;
}

/** An answer without going through the client, which would check it against the documentation of a known route. */
async function ask(
  method: string,
  path: string,
  init: RequestInit & { credential?: string | null } = {},
): Promise<Seen> {
  const { credential = scim.credential, headers, ...rest } = init;
  const answer = await fetch(rollcall.url + path, {
    method,
    ...rest,
    headers: { ...(credential === null ? {} : { authorization: `Bearer ${credential}` }), ...(headers as object) },
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === '' ? null : JSON.parse(text) };
}

/** SCIM 8: the standard's members and no others, the status as a text, the media type, the request's id in a header. */
function expectError(answer: Seen, status: number, scimType?: string): void {
  const { schemas, status: text, scimType: type, detail, ...others } = answer.body as Record<string, unknown>;
  expect({ status: answer.status, text, schemas, others, type }).toEqual({
    status,
    text: String(status),
    schemas: [ERROR_URN],
    others: {},
    type: scimType,
  });
  expect(typeof detail === 'string' && detail.length > 3).toBe(true);
  expect(answer.headers.get('content-type')).toMatch(/^application\/scim\+json/);
  expect(answer.headers.get('x-request-id')).toMatch(/\S/);
}

const JSON_TYPE = { 'content-type': 'application/scim+json' };
const post = (path: string, body: string, headers: Record<string, string> = JSON_TYPE) =>
  ask('POST', path, { body, headers });

describe('errors under /scim', () => {
  it.each([
    ['GET', '/scim/v2/Nowhere', 404],
    ['GET', '/scim/v2/Users/nobody', 404],
    ['GET', `/scim/v2/Users/${newId()}`, 404],
    ['PUT', '/scim/v2', 404],
    ['GET', '/scim', 404],
    ['GET', '/scim/v2/Users/%00', 404],
    ['GET', '/scim/v2/Users/%ED%A0%80', 400],
    ['GET', '/scim/v2/Users/%ff', 400],
    ['GET', `/scim/v2/Users/${'a'.repeat(300)}`, 404],
    ['GET', "/scim/v2/Users/'%20OR%20'1'='1", 404],
    ['GET', '/scim/v2/Schemas/urn:nothing', 404],
    ['GET', '/scim/v2/ResourceTypes/Device', 404],
    ['DELETE', `/scim/v2/Users/${newId()}`, 404],
    ['DELETE', '/scim/v2/Users/nobody', 404],
  ])('SCIM 8 %s %s is an error of SCIM', async (method, path, status) => {
    const answer = await ask(method, path);
    expectError(answer, status, status === 400 ? 'invalidSyntax' : undefined);
  });

  it.each(['/scim/v3/Users', '/scim/v1/ServiceProviderConfig', '/scim/v22'])(
    'SCIM 2 %s is a version that is not spoken',
    async (path) => {
      expectError(await ask('GET', path), 400, 'invalidVers');
    },
  );

  it.each([
    ['DELETE', '/scim/v2/Users', 'GET, HEAD, POST'],
    ['PATCH', '/scim/v2/Users', 'GET, HEAD, POST'],
    ['POST', '/scim/v2/Schemas', 'GET, HEAD'],
    ['PUT', '/scim/v2/ServiceProviderConfig', 'GET, HEAD'],
    ['DELETE', '/scim/v2/ResourceTypes', 'GET, HEAD'],
    ['GET', '/scim/v2/.search', 'POST'],
  ])('SCIM 7 %s %s is 405 and tells what the address knows', async (method, path, allow) => {
    const answer = await ask(method, path);
    expectError(answer, 405);
    expect(answer.headers.get('allow')).toBe(allow);
  });

  it.each(['GET', 'POST', 'PATCH', 'DELETE'])('SCIM 62 %s /Me is 501: a key is nobody', async (method) => {
    expectError(await ask(method, '/scim/v2/Me'), 501);
  });

  it.each([
    ['no credential', null],
    ['a key that nobody has', `rc_abcdefgh_${'a'.repeat(49)}`],
    ['an empty one', ''],
  ])('SCIM 9 %s is 401 with WWW-Authenticate', async (_, credential) => {
    for (const path of ['/scim/v2/Users', '/scim/v2/ServiceProviderConfig', `/scim/v2/Users/${ada.id}`]) {
      const answer = await ask('GET', path, { credential });
      expectError(answer, 401);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    }
  });

  it('SCIM 9 a key without the scope is 403 in words, and a token in the URL is refused', async () => {
    const reader = await rollcall.clientWith(world.tenantId, ['scim:read'], world.connectionId);
    const other = await rollcall.clientWith(world.tenantId, ['users:sync'], world.connectionId);
    const written = await ask('POST', '/scim/v2/Users', {
      credential: reader.credential,
      headers: JSON_TYPE,
      body: JSON.stringify(userBody('x')),
    });
    expectError(written, 403);
    expect(written.body).toMatchObject({ detail: 'This needs the permission scim:write.' });
    expectError(await ask('GET', '/scim/v2/Users', { credential: other.credential }), 403);
    expectError(await ask('GET', `/scim/v2/Users?access_token=${scim.credential}`, { credential: null }), 400);
  });

  it('a key that is bound to no connection is told so', async () => {
    const unbound = await rollcall.clientWith(world.tenantId, ['scim:read', 'scim:write']);
    for (const path of ['/scim/v2/Users', '/scim/v2/ServiceProviderConfig', `/scim/v2/Users/${ada.id}`]) {
      const answer = await ask('GET', path, { credential: unbound.credential });
      expectError(answer, 403);
      expect((answer.body as { detail: string }).detail).toContain('bound to');
    }
  });

  it('SCIM 63 another connection, of this tenant or another, has nobody of this one', async () => {
    const beside = await seedScimConnection(rollcall, world.tenantId, 'beside');
    const clients = [
      await rollcall.clientWith(world.tenantId, ['scim:read', 'scim:write'], beside),
      (await makeScimWorld(rollcall)).scim,
    ];
    for (const { credential } of clients) {
      const path = `/scim/v2/Users/${ada.id}`;
      const send = (method: string, body: object) =>
        ask(method, path, { credential, headers: JSON_TYPE, body: JSON.stringify(body) });
      expectError(await ask('GET', path, { credential }), 404);
      expectError(await send('PUT', userBody('ada@example.com')), 404);
      expectError(await send('PATCH', patchOf({ op: 'replace', path: 'active', value: false })), 404);
      expectError(await ask('DELETE', path, { credential }), 404);
    }
    const after = await scim.get<ScimResourceBody>(`/scim/v2/Users/${ada.id}`);
    expect(after.body).toEqual(ada);
  });

  it('a connection that is switched off takes nothing more', async () => {
    const closed = await makeScimWorld(rollcall);
    await rollcall.app
      .get(Database)
      .transaction((tx) =>
        tx.query('UPDATE connections SET status = ?, version = version + 1 WHERE id = ?', [
          'disabled',
          closed.connectionId,
        ]),
      );
    const answer = await ask('POST', '/scim/v2/Users', {
      credential: closed.scim.credential,
      headers: JSON_TYPE,
      body: JSON.stringify(userBody('late@example.com')),
    });
    expectError(answer, 403);
  });
});

describe('bodies and media types', () => {
  it.each([
    ['malformed JSON', '{"schemas":'],
    ['nothing', ''],
    ['a list', '[]'],
    ['a text', '"x"'],
    ['null', 'null'],
    ['no schemas', '{"userName":"x"}'],
    ['wrong schemas', '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"userName":"x"}'],
    ['schemas that are no list', '{"schemas":"x","userName":"x"}'],
    ['half a character', '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"\\ud800"}'],
    ['NUL', '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"a\\u0000b"}'],
    ['a prototype', '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"a","__proto__":{}}'],
    ['a hundred levels', `{"a":${'['.repeat(100)}${']'.repeat(100)}}`],
  ])('SCIM 31 %s is invalidSyntax', async (_, body) => {
    expectError(await post('/scim/v2/Users', body), 400, 'invalidSyntax');
  });

  it.each([
    ['no userName', {}],
    ['an empty userName', { userName: '' }],
    ['null', { userName: null }],
  ])('SCIM 31 %s is invalidValue', async (_, more) => {
    const body = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], ...more };
    expectError(await post('/scim/v2/Users', JSON.stringify(body)), 400, 'invalidValue');
  });

  it.each([
    ['text/plain', 415],
    ['application/xml', 415],
    ['application/scim+json; charset=utf-16', 415],
    ['application/json; charset=iso-8859-1', 415],
  ])('SCIM 1 a body of %s is %i', async (type, status) => {
    const body = JSON.stringify(userBody(`${newId()}@example.com`));
    expectError(await post('/scim/v2/Users', body, { 'content-type': type }), status);
  });

  it.each([
    'application/scim+json',
    'application/json',
    'Application/SCIM+JSON; charset="UTF-8"',
    'application/json;charset=utf8',
  ])('SCIM 1 a body of %s is read', async (type) => {
    const body = JSON.stringify(userBody(`${newId()}@example.com`));
    const answer = await post('/scim/v2/Users', body, { 'content-type': type });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('content-type')).toBe('application/scim+json; charset=utf-8');
  });

  it('SCIM 1 application/scim+json is understood where SCIM is spoken alone', async () => {
    const answer = await ask('POST', '/roles', { body: '{}', headers: JSON_TYPE });
    expect(answer.status).toBe(415);
  });

  it.each([
    ['application/scim+json', 'application/scim+json; charset=utf-8'],
    ['application/json', 'application/json; charset=utf-8'],
    ['application/json, application/scim+json', 'application/scim+json; charset=utf-8'],
    ['*/*', 'application/scim+json; charset=utf-8'],
    ['text/html, application/*;q=0.5', 'application/scim+json; charset=utf-8'],
    ['application/scim+json;q=0, application/json', 'application/json; charset=utf-8'],
  ])('SCIM 1 Accept: %s is answered with %s', async (accept, type) => {
    const answer = await ask('GET', `/scim/v2/Users/${ada.id}`, { headers: { accept } });
    expect(answer.headers.get('content-type')).toBe(type);
  });

  it.each(['application/xml', 'text/html', 'application/scim+json;q=0'])('SCIM 1 Accept: %s is 406', async (accept) => {
    expectError(await ask('GET', '/scim/v2/Users', { headers: { accept } }), 406);
  });

  it('a body of more than a mebibyte is 413', async () => {
    const body = JSON.stringify(userBody('big@example.com', { title: 'x'.repeat(1_100_000) }));
    expectError(await post('/scim/v2/Users', body), 413);
  });

  it('a resource of more than the service keeps is 413', async () => {
    const addresses = Array.from({ length: 10 }, (_, i) => ({ type: `t${i}`, formatted: 'x'.repeat(6000) }));
    expectError(await post('/scim/v2/Users', JSON.stringify(userBody('big@example.com', { addresses }))), 413);
  });

  it('a body that is cut off is 400', async () => {
    const { hostname, port } = new URL(rollcall.url);
    const socket = connect(Number(port), hostname);
    socket.write(
      `POST /scim/v2/Users HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${scim.credential}\r\n` +
        'content-type: application/scim+json\r\nconnection: close\r\ncontent-length: 500\r\n\r\n{"schemas":["urn',
    );
    socket.end();
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    expect(text).toMatch(/^HTTP\/1.1 400 /);
    expect(text).toContain(ERROR_URN);
  });

  it('DELETE and GET with a content type and no body are served', async () => {
    const { id } = await createUser(scim, `${newId()}@example.com`);
    const headers = { 'content-type': 'application/json' };
    expect((await ask('GET', `/scim/v2/Users/${id}`, { headers })).status).toBe(200);
    expect((await ask('DELETE', `/scim/v2/Users/${id}`, { headers })).status).toBe(204);
  });
});

describe('discovery', () => {
  it.each(['ServiceProviderConfig', 'ResourceTypes', 'Schemas', 'ResourceTypes/User'])(
    'SCIM 5 a filter on %s is 403',
    async (path) => {
      expectError(await ask('GET', `/scim/v2/${path}?filter=id%20pr`), 403);
      const ignored = await scim.get(`/scim/v2/${path}?sortBy=id&startIndex=5&count=0&attributes=id`);
      expect(ignored).toMatchObject({ status: 200, body: (await scim.get(`/scim/v2/${path}`)).body });
    },
  );

  it('SCIM 3 SCIM 4 the documents are lists or single, and every reference in them leads somewhere', async () => {
    const config = await scim.get('/scim/v2/ServiceProviderConfig');
    expect(config.body).toMatchObject({
      patch: { supported: true },
      etag: { supported: true },
      sort: { supported: true },
    });
    const types = await scim.get<{ totalResults: number; Resources: Record<string, string>[] }>(
      '/scim/v2/ResourceTypes',
    );
    expect(types.body.Resources.map(({ name }) => name)).toEqual(['User', 'Group']);
    for (const type of types.body.Resources) {
      expect((await scim.get(`/scim/v2/ResourceTypes/${type.id}`)).body).toEqual(type);
      expect((await scim.get(`/scim/v2/Schemas/${type.schema}`)).body).toMatchObject({ id: type.schema });
    }
    const schemas = await scim.get<{ Resources: { id: string }[] }>('/scim/v2/Schemas');
    for (const { id } of schemas.body.Resources) {
      expect((await scim.get(`/scim/v2/Schemas/${encodeURIComponent(id)}`)).status).toBe(200);
    }
  });
});
