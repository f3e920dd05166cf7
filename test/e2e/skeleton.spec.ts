import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startApp, type TestApp } from '../support/start-app.js';

describe('the service as a whole', () => {
  let rollcall: TestApp;
  beforeAll(async () => {
    rollcall = await startApp();
  });
  afterAll(() => rollcall.stop());

  it('answers an unknown address with a problem', async () => {
    const answer = await rollcall.http.get('/nothing-here');
    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject({ code: 'not_found', status: 404 });
  });

  it('names the fault of a body that is not JSON', async () => {
    const answer = await rollcall.http.post('/nothing-here', '{"a":');
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: 'invalid_json' });
  });

  it('has tables that agree with its entities', async () => {
    expect(await rollcall.database.findDrift()).toEqual([]);
  });
});
