import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from 'node:net';
import { newId } from '../../src/platform/ids.js';
import type { HttpClient } from '../support/http-client.js';
import { type Ask, askerOf, expectScimError } from '../support/scim-asks.js';
import { createUser, ERROR_URN, makeScimWorld, type ScimResourceBody, userBody } from '../support/scim-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

let rollcall: TestApp;
let scim: HttpClient;
let ask: Ask;
let ada: ScimResourceBody;

beforeAll(async () => {
  rollcall = await startApp();
  ({ scim } = await makeScimWorld(rollcall));
  ask = askerOf(rollcall.url, scim.credential);
  ada = await createUser(scim, 'ada@example.com');
});
afterAll(() => rollcall.stop());

const JSON_TYPE = { 'content-type': 'application/scim+json' };
const post = (path: string, body: string, headers: Record<string, string> = JSON_TYPE) =>
  ask('POST', path, { body, headers });

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
    expectScimError(await post('/scim/v2/Users', body), 400, 'invalidSyntax');
  });

  it.each([
    ['no userName', {}],
    ['an empty userName', { userName: '' }],
    ['null', { userName: null }],
  ])('SCIM 31 %s is invalidValue', async (_, more) => {
    const body = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], ...more };
    expectScimError(await post('/scim/v2/Users', JSON.stringify(body)), 400, 'invalidValue');
  });

  it.each([
    ['text/plain', 415],
    ['application/xml', 415],
    ['application/scim+json; charset=utf-16', 415],
    ['application/json; charset=iso-8859-1', 415],
  ])('SCIM 1 a body of %s is %i', async (type, status) => {
    const body = JSON.stringify(userBody(`${newId()}@example.com`));
    expectScimError(await post('/scim/v2/Users', body, { 'content-type': type }), status);
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
    expectScimError(await ask('GET', '/scim/v2/Users', { headers: { accept } }), 406);
  });

  it('a body of more than a mebibyte is 413', async () => {
    const body = JSON.stringify(userBody('big@example.com', { title: 'x'.repeat(1_100_000) }));
    expectScimError(await post('/scim/v2/Users', body), 413);
  });

  it('a resource of more than the service keeps is 413', async () => {
    const addresses = Array.from({ length: 10 }, (_, i) => ({ type: `t${i}`, formatted: 'x'.repeat(6000) }));
    expectScimError(await post('/scim/v2/Users', JSON.stringify(userBody('big@example.com', { addresses }))), 413);
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

  it('SCIM 54 a filter in the address is refused in the words of SCIM, of 10 kB and of more than HTTP takes', async () => {
    const filter = (length: number) => encodeURIComponent(`userName eq "${'é'.repeat(length)}"`);
    expectScimError(await ask('GET', `/scim/v2/Users?filter=${'x'.repeat(10_000)}`), 400, 'invalidFilter');
    expectScimError(await ask('GET', `/scim/v2/Users?filter=${filter(5000)}`), 400, 'invalidSyntax');
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
      expectScimError(await ask('GET', `/scim/v2/${path}?filter=id%20pr`), 403);
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
