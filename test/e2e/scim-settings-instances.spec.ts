import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { engine } from '../support/databases.js';
import type { HttpClient } from '../support/http-client.js';
import { ProcessWorld } from '../support/process-world.js';
import { patchOf, userBody } from '../support/scim-world.js';

// The embedded database serves one instance, which then stands for both.
describe('a connection that is changed on another instance', () => {
  let world: ProcessWorld;
  let scim: HttpClient;
  let admin: HttpClient;
  beforeAll(async () => {
    world = await ProcessWorld.build();
    const one = await world.start();
    const other = engine === 'mysql' ? await world.start() : one;
    [scim, admin] = [one.scim, other.http];
  }, 60_000);
  afterAll(() => world.stop(), 60_000);

  let made = 0;
  const post = async (active: unknown): Promise<number> =>
    (await scim.post('/scim/v2/Users', userBody(`u${made++}@example.com`, { active }))).status;

  const version = async () => `"${String((await admin.get(`/connections/${world.connection}`)).body.version)}"`;
  const save = async (preset: string): Promise<void> => {
    const path = `/connections/${world.connection}`;
    expect(await admin.patch(path, { preset }, { 'if-match': await version() })).toMatchObject({ status: 200 });
  };
  const turn = async (way: 'enable' | 'disable'): Promise<void> => {
    const path = `/connections/${world.connection}/${way}`;
    expect((await admin.post(path, undefined, { 'if-match': await version() })).status).toBeLessThan(300);
  };

  it('is as it is now for the next write: what was refused is accepted, and what was accepted is refused', async () => {
    expect(await post(true)).toBe(201);
    expect(await post('True')).toBe(400);
    await save('entra');
    expect(await post('True')).toBe(201);
    await save('rfc');
    expect(await post('True')).toBe(400);
    await save('entra');
    await save('rfc');
    expect(await post(true)).toBe(201);
  });

  it('takes writes as long as it is switched on, and no longer', async () => {
    const { body } = await scim.post<{ id: string }>('/scim/v2/Users', userBody('on@example.com'));
    const change = patchOf({ op: 'replace', path: 'title', value: 'Doctor' });
    await turn('disable');
    expect(await post(true)).toBe(403);
    expect((await scim.patch(`/scim/v2/Users/${body.id}`, change)).status).toBe(403);
    await turn('enable');
    expect((await scim.patch(`/scim/v2/Users/${body.id}`, change)).status).toBe(200);
    expect(await post(true)).toBe(201);
  });
});
