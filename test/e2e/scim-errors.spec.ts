import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { newId } from '../../src/platform/ids.js';
import { Problem } from '../../src/platform/problem.js';
import { ProvisioningService } from '../../src/provisioning/provisioning.service.js';
import { Database } from '../../src/platform/database.js';
import type { HttpClient } from '../support/http-client.js';
import { type Ask, askerOf, expectScimError } from '../support/scim-asks.js';
import {
  createUser,
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
let ask: Ask;
let ada: ScimResourceBody;

beforeAll(async () => {
  rollcall = await startApp();
  world = await makeScimWorld(rollcall);
  scim = world.scim;
  ask = askerOf(rollcall.url, scim.credential);
  ada = await createUser(scim, 'ada@example.com');
});
afterAll(() => rollcall.stop());

const JSON_TYPE = { 'content-type': 'application/scim+json' };
const post = (path: string, body: string) => ask('POST', path, { body, headers: JSON_TYPE });

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
    expectScimError(answer, status, status === 400 ? 'invalidSyntax' : undefined);
  });

  it.each(['/scim/v3/Users', '/scim/v1/ServiceProviderConfig', '/scim/v22'])(
    'SCIM 2 %s is a version that is not spoken',
    async (path) => {
      expectScimError(await ask('GET', path), 400, 'invalidVers');
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
    expectScimError(answer, 405);
    expect(answer.headers.get('allow')).toBe(allow);
  });

  it.each(['GET', 'POST', 'PATCH', 'DELETE'])('SCIM 62 %s /Me is 501: a key is nobody', async (method) => {
    expectScimError(await ask(method, '/scim/v2/Me'), 501);
  });

  it.each([
    ['no credential', null],
    ['a key that nobody has', `rc_abcdefgh_${'a'.repeat(49)}`],
    ['an empty one', ''],
  ])('SCIM 9 %s is 401 with WWW-Authenticate', async (_, credential) => {
    for (const path of ['/scim/v2/Users', '/scim/v2/ServiceProviderConfig', `/scim/v2/Users/${ada.id}`]) {
      const answer = await ask('GET', path, { credential });
      expectScimError(answer, 401);
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
    expectScimError(written, 403);
    expect(written.body).toMatchObject({ detail: 'This needs the permission scim:write.' });
    expectScimError(await ask('GET', '/scim/v2/Users', { credential: other.credential }), 403);
    expectScimError(await ask('GET', `/scim/v2/Users?access_token=${scim.credential}`, { credential: null }), 400);
  });

  it('a key that is bound to no connection is told so', async () => {
    const unbound = await rollcall.clientWith(world.tenantId, ['scim:read', 'scim:write']);
    for (const path of ['/scim/v2/Users', '/scim/v2/ServiceProviderConfig', `/scim/v2/Users/${ada.id}`]) {
      const answer = await ask('GET', path, { credential: unbound.credential });
      expectScimError(answer, 403);
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
      expectScimError(await ask('GET', path, { credential }), 404);
      expectScimError(await send('PUT', userBody('ada@example.com')), 404);
      expectScimError(await send('PATCH', patchOf({ op: 'replace', path: 'active', value: false })), 404);
      expectScimError(await ask('DELETE', path, { credential }), 404);
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
    expectScimError(answer, 403);
  });

  it.each([
    ['overloaded', new Problem('overloaded', undefined, { retryAfterSeconds: 2 }), 503, '2'],
    ['a fault of ours', new Error('SELECT s3cret FROM users'), 500, null],
  ])('SCIM 8 %s is an error of SCIM too, and says nothing of the inside', async (_, error, status, retryAfter) => {
    const submit = jest.spyOn(rollcall.app.get(ProvisioningService), 'submit').mockRejectedValueOnce(error);
    const answer = await post('/scim/v2/Users', JSON.stringify(userBody('x@example.com')));
    submit.mockRestore();
    expectScimError(answer, status);
    expect(answer.headers.get('retry-after')).toBe(retryAfter);
    expect(JSON.stringify(answer.body)).not.toContain('s3cret');
  });
});
