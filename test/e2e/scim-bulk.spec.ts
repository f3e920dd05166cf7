import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { GROUP_URN, makeGroupWorld, rolesGiven, type ScimGroup } from '../support/scim-groups-world.js';
import { createUser, ENTERPRISE_URN, ERROR_URN, patchOf, type ScimWorld, USER_URN } from '../support/scim-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

const BULK_REQUEST = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';
const BULK_RESPONSE = 'urn:ietf:params:scim:api:messages:2.0:BulkResponse';

interface Result {
  method: string;
  bulkId?: string;
  version?: string;
  location?: string;
  status: string;
  response?: { schemas: string[]; status: string; scimType?: string; detail: string };
}

let rollcall: TestApp;
let world: ScimWorld;

beforeAll(async () => {
  rollcall = await startApp();
});
afterAll(() => rollcall.stop());
beforeEach(async () => {
  world = await makeGroupWorld(rollcall);
});

const send = (operations: unknown, more: object = {}) =>
  world.scim.post<{ schemas: string[]; Operations: Result[] }>('/scim/v2/Bulk', {
    schemas: [BULK_REQUEST],
    Operations: operations,
    ...more,
  });
const user = (bulkId: string, more: object = {}) => ({
  method: 'POST',
  path: '/Users',
  bulkId,
  data: { schemas: [USER_URN], userName: `${bulkId}@example.com`, ...more },
});
const group = (bulkId: string, ...members: string[]) => ({
  method: 'POST',
  path: '/Groups',
  bulkId,
  data: { schemas: [GROUP_URN], displayName: bulkId, members: members.map((value) => ({ value })) },
});
const statuses = (results: Result[]) => results.map(({ status }) => status);
const idOf = (result: Result | undefined) => result?.location?.split('/').at(-1) ?? '';

describe('many SCIM requests at once', () => {
  it('SCIM 61 each operation has its result, in the order of the request, with location and version', async () => {
    const ada = await createUser(world.scim, 'ada@example.com');
    const eve = await createUser(world.scim, 'eve@example.com');
    const { status, body } = await send([
      user('grace'),
      {
        method: 'PATCH',
        path: `/Users/${ada.id}`,
        version: 'W/"1"',
        data: patchOf({ op: 'replace', path: 'displayName', value: 'Ada' }),
      },
      { method: 'DELETE', path: `/Users/${eve.id}` },
      { method: 'PUT', path: `/Users/${ada.id}`, version: 'W/"1"', data: { schemas: [USER_URN], userName: 'ada' } },
    ]);
    expect([status, body.schemas]).toEqual([200, [BULK_RESPONSE]]);
    const [created, patched, deleted, stale] = body.Operations;
    expect(created).toMatchObject({ method: 'POST', bulkId: 'grace', status: '201', version: 'W/"1"' });
    expect(created).not.toHaveProperty('response');
    expect(patched).toMatchObject({ method: 'PATCH', status: '200', version: 'W/"2"', location: ada.meta.location });
    expect(deleted).toEqual({ method: 'DELETE', status: '204', location: eve.meta.location });
    expect(stale).toMatchObject({
      method: 'PUT',
      status: '412',
      location: ada.meta.location,
      response: { schemas: [ERROR_URN], status: '412' },
    });
    expect((await world.scim.get(`/scim/v2/Users/${idOf(created)}`)).body).toMatchObject({
      userName: 'grace@example.com',
    });
    expect(await world.scim.get(`/scim/v2/Users/${eve.id}`)).toMatchObject({ status: 404 });
  });

  it('SCIM 61 bulkIds are resolved in data and path, also before their turn, and roles follow', async () => {
    const { body } = await send([
      group('engineering', 'bulkId:ada', 'bulkId:eve'),
      user('ada', { [ENTERPRISE_URN]: { manager: { value: 'bulkId:eve' } } }),
      user('eve', { [ENTERPRISE_URN]: { manager: { value: 'bulkId:ada' } } }),
      {
        method: 'PATCH',
        path: '/Groups/bulkId:engineering',
        data: patchOf({ op: 'remove', path: 'members[value eq "bulkId:eve"]' }),
      },
    ]);
    expect(statuses(body.Operations)).toEqual(['201', '201', '201', '200']);
    const [made, ada, eve] = body.Operations.map(idOf);
    const { body: staff } = await world.scim.get<ScimGroup>(`/scim/v2/Groups/${made}`);
    expect(staff.members?.map(({ value }) => value)).toEqual([ada]);
    expect(await rolesGiven(rollcall, world.connectionId)).toEqual({ [ada ?? '']: ['editor'] });
    expect((await world.scim.get(`/scim/v2/Users/${ada}`)).body).toMatchObject({
      [ENTERPRISE_URN]: { manager: { value: eve } },
    });
    expect((await world.scim.get(`/scim/v2/Users/${eve}`)).body).toMatchObject({
      [ENTERPRISE_URN]: { manager: { value: ada } },
    });
  });

  it('SCIM 61 what fails is told, and the rest goes on until failOnErrors', async () => {
    await createUser(world.scim, 'taken@example.com');
    const operations = [
      user('taken'),
      { method: 'GET', path: '/Users' },
      group('staff', 'bulkId:taken'),
      user('free'),
      { method: 'DELETE', path: '/Groups/01935a2e-7c00-7000-8000-000000000000' },
    ];
    const stopped = await send(operations, { failOnErrors: 2 });
    expect(statuses(stopped.body.Operations)).toEqual(['409', '400']);
    expect(stopped.body.Operations[0]).toMatchObject({
      bulkId: 'taken',
      response: { schemas: [ERROR_URN], status: '409', scimType: 'uniqueness' },
    });
    expect(stopped.body.Operations[0]).not.toHaveProperty('location');
    const all = await send(operations);
    expect(statuses(all.body.Operations)).toEqual(['409', '400', '409', '201', '404']);
  });

  it('SCIM 61 groups in a circle are 409', async () => {
    const { body } = await send([group('one', 'bulkId:two'), group('two', 'bulkId:one')]);
    expect(statuses(body.Operations)).toEqual(['409', '409']);
  });

  it('SCIM 61 too many operations and too large a body are 413, and the limits are told', async () => {
    const many = await send(Array.from({ length: 1001 }, (_, n) => ({ method: 'DELETE', path: `/Users/${n}` })));
    expect(many).toMatchObject({ status: 413, body: { schemas: [ERROR_URN], status: '413' } });
    expect(JSON.stringify(many.body)).toMatch(/1000.*1048576/);
    const large = await send([user('large', { displayName: 'x'.repeat(1024 * 1024) })]);
    expect(large).toMatchObject({ status: 413, body: { schemas: [ERROR_URN], status: '413' } });
    expect(JSON.stringify(large.body)).toMatch(/1048576/);
  });

  it('SCIM 61 nothing but POST is answered there, and what is no bulk request is 400', async () => {
    expect(await world.scim.get('/scim/v2/Bulk')).toMatchObject({ status: 405 });
    expect(await world.scim.post('/scim/v2/Bulk', { schemas: [USER_URN], Operations: [] })).toMatchObject({
      status: 400,
      body: { scimType: 'invalidSyntax' },
    });
    const reader = await rollcall.clientWith(world.tenantId, ['scim:read'], world.connectionId);
    expect(await reader.post('/scim/v2/Bulk', { schemas: [BULK_REQUEST], Operations: [] })).toMatchObject({
      status: 403,
    });
  });
});
