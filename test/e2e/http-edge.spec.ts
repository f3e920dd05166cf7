import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from 'node:net';
import { HealthRegistry } from '../../src/platform/health.js';
import type { HttpClient } from '../support/http-client.js';
import { startApp, type TestApp } from '../support/start-app.js';

/** Sends bytes as they are, and reads until the other side is silent or gone. */
async function sendRaw(url: string, text: string, end = false): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(text);
  if (end) socket.end();
  let answer = '';
  for await (const chunk of socket) {
    answer += String(chunk);
    if (answer.includes('\r\n\r\n') && answer.endsWith('}')) break;
  }
  socket.destroy();
  return answer;
}

describe('the HTTP edge', () => {
  let rollcall: TestApp;
  beforeAll(async () => {
    rollcall = await startApp({ PUBLIC_URL: 'https://rollcall.example', METRICS_TOKEN: 'scrape-me' });
  });
  afterAll(() => rollcall.stop());

  it.each(['access_token', 'token', 'api_key', 'apikey', 'refresh_token', 'id_token', 'Access_Token', 'p%61ssword'])(
    'G2 refuses ?%s= on any address, and does not repeat its value',
    async (name) => {
      const answer = await rollcall.http.get(`/health/live?a=1&${name}=rc_s3cret`);
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({
        code: 'credential_in_url',
        faults: [{ pointer: `?${decodeURIComponent(name)}` }],
      });
      expect(JSON.stringify(answer.body)).not.toContain('s3cret');
    },
  );

  it('gives back a request id that is fit for a log, and makes one in place of another', async () => {
    const given = await rollcall.http.get('/nowhere', { 'x-request-id': 'abc-123' });
    expect(given.headers.get('x-request-id')).toBe('abc-123');
    expect(given.body).toMatchObject({ requestId: 'abc-123' });
    const unfit = await rollcall.http.get('/nowhere', { 'x-request-id': '{"level":"fatal"}' });
    expect(unfit.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('answers a method that an address does not know with 405 and the ones it does', async () => {
    const answer = await rollcall.http.delete('/health/live');
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('GET, HEAD');
    expect(answer.body).toMatchObject({ code: 'method_not_allowed' });
  });

  it.each(['gzip', 'br', 'identity, gzip', 'x'])(
    'a body in the coding %s is 415, and in none it is read',
    async (coding) => {
      const headers = { 'content-encoding': coding };
      expect((await rollcall.http.post('/auth/login', '{"token":"x"}', headers)).status).toBe(415);
      const plain = { 'content-encoding': 'Identity' };
      expect((await rollcall.http.post('/auth/login', '{"token":"x"}', plain)).status).toBe(401);
    },
  );

  it('tells browsers to keep, frame, sniff and run nothing', async () => {
    const { headers } = await rollcall.http.get('/health/live');
    expect(Object.fromEntries(headers)).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'strict-transport-security': 'max-age=31536000',
      'x-content-type-options': 'nosniff',
    });
  });

  it('serves the documentation from here alone', async () => {
    const page = await rollcall.http.get<string>('/docs');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    expect(page.body).not.toMatch(/(src|href)="https?:/);
    for (const [, path] of page.body.matchAll(/(?:src|href)="\.(\/docs\/[^"]+)"/g)) {
      expect((await rollcall.http.get(String(path))).status).toBe(200);
    }
  });

  it('refuses a body over 1 MiB', async () => {
    const answer = await rollcall.http.post('/nowhere', { text: 'x'.repeat(1024 * 1024) });
    expect(answer.status).toBe(413);
    expect(answer.body).toMatchObject({ code: 'payload_too_large' });
  });

  it('refuses a body that is shorter than its Content-Length, and serves on', async () => {
    const head = 'POST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n';
    const answer = await sendRaw(rollcall.url, `${head}{"a":1`, true);
    expect(answer).toMatch(/^(HTTP\/1\.1 400|$)/);
    expect((await rollcall.http.get('/health/live')).status).toBe(200);
  });

  it('answers what is not HTTP with a problem', async () => {
    const answer = await sendRaw(rollcall.url, 'hello\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer).toContain('"code":"invalid_request"');
  });

  it('shows numbers to who has the token, with route templates and no addresses', async () => {
    expect((await rollcall.http.get('/metrics')).status).toBe(401);
    expect((await rollcall.http.as('wrong').get('/metrics')).status).toBe(401);
    await rollcall.http.get('/secret-looking-address');
    const { body } = await rollcall.http.as('scrape-me').get<string>('/metrics');
    expect(body).toMatch(/rollcall_http_request_seconds_count\{method="GET",route="\/health\/live",status="200"\} \d+/);
    expect(body).toMatch(/nodejs_eventloop_lag_seconds /);
    expect(body).not.toContain('secret-looking-address');
  });

  it('tells what is degraded to who has the token; to others, that something is', async () => {
    const detail = 'No keys from https://idp.acme.example.';
    rollcall.app.get(HealthRegistry).register('identity-providers', async () => ({ state: 'degraded', detail }));
    const seen = async (client: HttpClient) => (await client.get('/health/ready')).body;
    const others = 'Whoever sends METRICS_TOKEN is told more.';
    for (const [client, told] of [
      [rollcall.http.as('scrape-me'), detail],
      [rollcall.http.as('wrong'), others],
    ] as const) {
      expect(await seen(client)).toEqual({
        status: 'degraded',
        degraded: [{ name: 'identity-providers', detail: told }],
      });
    }
  });
});

describe('health', () => {
  let rollcall: TestApp;
  beforeAll(async () => {
    rollcall = await startApp();
  });
  afterAll(() => rollcall.stop());

  it('C9 names what is degraded and stays ready, also when a check itself fails', async () => {
    const health = rollcall.app.get(HealthRegistry);
    health.register('connection Acme', async () => ({ state: 'degraded', detail: 'no keys since 10:00' }));
    health.register('connection Fine', async () => ({ state: 'ok' }));
    health.register('broken', async () => {
      throw new Error('with a s3cret in it');
    });
    const { status, body } = await rollcall.http.get('/health/ready');
    expect(status).toBe(200);
    expect(body).toEqual({
      status: 'degraded',
      degraded: [
        { name: 'connection Acme', detail: 'no keys since 10:00' },
        { name: 'broken', detail: 'The check failed.' },
      ],
    });
  });

  it('is unready, but alive, once it is stopping', async () => {
    rollcall.app.get(HealthRegistry).stop();
    expect((await rollcall.http.get('/health/ready')).status).toBe(503);
    expect((await rollcall.http.get('/health/live')).status).toBe(200);
  });
});

describe('health without a database', () => {
  it('is unready with 503, and alive', async () => {
    const rollcall = await startApp();
    await rollcall.database.close();
    try {
      const { status, body } = await rollcall.http.get('/health/ready');
      expect(status).toBe(503);
      expect(body).toMatchObject({ status: 'unavailable', degraded: [{ name: 'database' }] });
      expect((await rollcall.http.get('/health/live')).status).toBe(200);
    } finally {
      await rollcall.stop();
    }
  });
});
