import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { bodyExamples } from '../../src/platform/openapi-bodies.js';
import { permissions } from '../../src/platform/permissions.js';
import { seedTenant } from '../support/seed.js';
import { startApp, type TestApp } from '../support/start-app.js';

describe('the bodies that the documentation shows', () => {
  let rollcall: TestApp;
  beforeAll(async () => {
    rollcall = await startApp();
  });
  afterAll(() => rollcall.stop());

  it('work as they stand, one after the other', async () => {
    const { id } = await seedTenant(rollcall, 'reader');
    const admin = await rollcall.clientWith(
      id,
      Object.keys(permissions).filter((each) => !each.startsWith('tenants:')),
    );
    const version: Record<string, string> = {};
    let connection = '';
    for (const [name, body] of Object.entries(bodyExamples)) {
      const [method = '', path = ''] = name.split(' ');
      const at = path.replace('{id}', connection);
      const sent = name === 'POST /users/sync' ? { ...(body as object), connection } : body;
      const client = name === 'POST /auth/login' ? rollcall.http : admin;
      const answer = await client.send<{ id: string; counts?: unknown }>(method, at, sent, version);
      // A token cannot be an example: it would have to be somebody's.
      const expected = name === 'POST /auth/login' ? 401 : expect.any(Number);
      expect({ name, status: answer.status }).toEqual({ name, status: expected });
      if (name !== 'POST /auth/login') expect({ name, ok: answer.status < 300 }).toEqual({ name, ok: true });
      if (name === 'POST /connections') {
        connection = answer.body.id;
        version['if-match'] = '"1"';
      }
      if (name === 'POST /users/sync') expect(answer.body.counts).toMatchObject({ created: 1, failed: 0 });
    }
  });
});
