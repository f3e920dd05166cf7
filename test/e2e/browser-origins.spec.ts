import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { seedTenant } from '../support/seed.js';
import { startApp, type TestApp } from '../support/start-app.js';

describe('pages of applications in a browser', () => {
  let rollcall: TestApp;
  beforeAll(async () => {
    rollcall = await startApp();
    const { id } = await seedTenant(rollcall, 'acme');
    const admin = await rollcall.clientWith(id, ['applications:write']);
    const body = { name: 'Shop', audience: 'shop', origins: ['https://shop.example.com'] };
    expect((await admin.post('/applications', body)).status).toBe(201);
  });
  afterAll(() => rollcall.stop());

  const preflight = (origin: string, path = '/auth/login') =>
    fetch(rollcall.url + path, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } });

  it('may call the login doors from an origin that an application lists', async () => {
    const answer = await preflight('https://shop.example.com');
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://shop.example.com');
    expect(answer.headers.get('access-control-allow-methods')).toContain('POST');
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    const refused = await rollcall.http.post('/auth/login', { token: 'x' }, { origin: 'https://shop.example.com' });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('access-control-allow-origin')).toBe('https://shop.example.com');
  });

  it.each(['https://evil.example.com', 'https://shop.example.com.evil.com', 'http://shop.example.com', 'null'])(
    'may not from %s',
    async (origin) => {
      const answer = await preflight(origin);
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
      expect(answer.headers.get('vary')).toBe('Origin');
    },
  );

  it('may not call the rest of the API', async () => {
    const answer = await preflight('https://shop.example.com', '/users');
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });
});
