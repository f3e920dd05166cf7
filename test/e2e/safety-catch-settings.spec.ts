import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createConnection, etag, pointersOf, tenantWith } from '../support/connection-words.js';
import { startApp, type TestApp } from '../support/start-app.js';

let rollcall: TestApp;
beforeAll(async () => {
  rollcall = await startApp();
});
afterAll(() => rollcall.stop());

describe('the safety catch of a connection', () => {
  it('is three users and ten per cent where nothing is said, and each of its fields is a default of its own', async () => {
    const { http } = await tenantWith(rollcall);
    const { safetyCatch } = await createConnection(http);
    expect(safetyCatch).toEqual({ users: 3, percent: 10, graceHours: 0 });
    const other = await createConnection(http, {
      name: 'Other',
      issuer: 'https://other.example.com',
      safetyCatch: { users: 50 },
    });
    expect(other.safetyCatch).toEqual({ users: 50, percent: 10, graceHours: 0 });
  });

  it('is tightened by whoever may change connections, and loosened only by who may trust them', async () => {
    const { tenantId, http } = await tenantWith(rollcall);
    const { id, version } = await createConnection(http);
    const admin = await rollcall.clientWith(tenantId, ['connections:read', 'connections:write']);
    const save = (safetyCatch: object, at: number) => admin.patch(`/connections/${id}`, { safetyCatch }, etag(at));
    expect((await save({ percent: 5 }, version)).status).toBe(200);
    const loosened = await save({ percent: 50 }, version + 1);
    expect([loosened.status, pointersOf(loosened)]).toEqual([403, ['/safetyCatch']]);
    const owner = await http.patch(`/connections/${id}`, { safetyCatch: { percent: 50 } }, etag(version + 1));
    expect(owner.status).toBe(200);
  });

  it('is refused with every fault named', async () => {
    const { http } = await tenantWith(rollcall);
    const { id, version } = await createConnection(http);
    const safetyCatch = { users: 0, percent: 101, graceHours: 1.5, days: 7 };
    const answer = await http.patch(`/connections/${id}`, { safetyCatch }, etag(version));
    expect([answer.status, pointersOf(answer)]).toEqual([400, expect.arrayContaining(['/safetyCatch/days'])]);
    const limits = await http.patch(
      `/connections/${id}`,
      { safetyCatch: { users: 0, percent: 101, graceHours: 721 } },
      etag(version),
    );
    expect(pointersOf(limits)).toEqual(['/safetyCatch/users', '/safetyCatch/percent', '/safetyCatch/graceHours']);
  });
});
