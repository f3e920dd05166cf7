import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  createUser,
  makeScimWorld,
  type ScimResourceBody,
  type ScimWorld,
  USER_URN,
  userBody,
} from '../support/scim-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

let rollcall: TestApp;
let world: ScimWorld;

beforeAll(async () => {
  rollcall = await startApp();
  world = await makeScimWorld(rollcall);
});
afterAll(() => rollcall.stop());

describe('a user over SCIM', () => {
  it('SCIM 29 POST answers 201 with the whole user, Location and ETag', async () => {
    const { scim } = world;
    const answer = await scim.post<ScimResourceBody>(
      '/scim/v2/Users',
      userBody('ada@example.com', { externalId: 'u-1', id: 'mine', name: { givenName: 'Ada' }, password: 's3cret' }),
    );
    console.info(answer.status, JSON.stringify(answer.body), Object.fromEntries(answer.headers));
    expect(answer.status).toBe(201);
    const read = await scim.get<ScimResourceBody>(`/scim/v2/Users/${answer.body.id}`);
    expect(read.body).toEqual(answer.body);
    const put = await scim.put(`/scim/v2/Users/${answer.body.id}`, userBody('ada@example.com', { externalId: 'u-1' }));
    console.info(put.status, put.body);
    const patch = await scim.patch(`/scim/v2/Users/${answer.body.id}`, {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [{ op: 'replace', path: 'active', value: false }],
    });
    console.info(patch.status, patch.body, Object.fromEntries(patch.headers));
    const del = await scim.delete(`/scim/v2/Users/${answer.body.id}`);
    console.info(del.status, del.body);
    const gone = await scim.get(`/scim/v2/Users/${answer.body.id}`);
    console.info(gone.status, gone.body);
    const dup = await scim.post('/scim/v2/Users', userBody('ADA@example.com'));
    console.info(dup.status, dup.body, dup.headers.get('content-type'));
  });

  it('SCIM 30 of 20 identical POSTs at once one is 201 and the others 409', async () => {
    const body = userBody('grace@example.com', { externalId: 'g-1' });
    const answers = await Promise.all(Array.from({ length: 20 }, () => world.scim.post('/scim/v2/Users', body)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(19).fill(409)]);
  });
});
