import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/platform/ids.js';
import {
  ALL_OF_CONNECTIONS,
  createConnection,
  etag,
  MINIMAL,
  type SavedConnection,
  tenantWith,
} from '../support/connection-words.js';
import { startApp, type TestApp } from '../support/start-app.js';

let rollcall: TestApp;
beforeAll(async () => {
  rollcall = await startApp();
});
afterAll(() => rollcall.stop());

describe('who may', () => {
  it.each([
    ['GET', '', 'connections:read'],
    ['GET', '/presets', 'connections:read'],
    ['POST', '', 'connections:trust'],
    ['PUT', '/x', 'connections:write'],
    ['PATCH', '/x', 'connections:write'],
    ['POST', '/x/disable', 'connections:write'],
    ['POST', '/x/enable', 'connections:trust'],
    ['DELETE', '/x', 'connections:trust'],
    ['GET', '/x/mappings', 'connections:read'],
    ['GET', '/x/mappings/1', 'connections:read'],
  ])('%s /connections%s: %s', async (method, path, permission) => {
    const { tenantId } = await tenantWith(rollcall);
    const others = ALL_OF_CONNECTIONS.filter((each) => each !== permission);
    const without = await rollcall.clientWith(tenantId, others);
    const withIt = await rollcall.clientWith(tenantId, [permission]);
    const body = method === 'GET' || method === 'DELETE' ? undefined : {};
    expect(await without.send(method, `/connections${path}`, body, {})).toMatchObject({
      status: 403,
      body: { permission },
    });
    expect((await withIt.send(method, `/connections${path}`, body, {})).status).not.toBe(403);
  });

  it('nobody sees or changes a foreign tenant’s connection, nor one that their key is not bound to', async () => {
    const { http, tenantId } = await tenantWith(rollcall);
    const saved = await createConnection(http, { allowedRoles: ['viewer'] });
    const run = await http.patch<SavedConnection>(`/connections/${saved.id}`, { authority: 'newest' }, etag(1));
    const foreign = (await tenantWith(rollcall)).http;
    const bound = await rollcall.clientWith(tenantId, ALL_OF_CONNECTIONS, newId());
    for (const who of [foreign, bound]) {
      const path = `/connections/${saved.id}`;
      const answers = [
        await who.get(path),
        await who.put(path, MINIMAL, etag(2)),
        await who.patch(path, {}, etag(2)),
        await who.post(`${path}/disable`),
        await who.post(`${path}/enable`),
        await who.delete(`${path}?force=true`),
        await who.get(`${path}/mappings`),
        await who.get(`${path}/mappings/1`),
        await who.get(`/sync-runs/${run.body.replan}`),
      ];
      expect(answers.map((each) => each.status)).toEqual(Array.from({ length: 9 }, () => 404));
      expect((await who.get('/connections')).body).toEqual({ items: [], cursor: null });
      expect((await who.get('/sync-runs')).body).toEqual({ items: [], cursor: null });
    }
    expect((await bound.post('/connections', MINIMAL)).status).toBe(403);
    expect((await http.get('/sync-runs?kind=replan&limit=1')).body).toMatchObject({ items: [{ id: run.body.replan }] });
    expect((await http.get('/sync-runs?kind=push')).body).toEqual({ items: [], cursor: null });
  });
});
