import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fastify, type FastifyInstance } from 'fastify';
import { readConfig } from './config.js';
import { credentialNamesIn, guardEdge } from './http-edge.js';
import { toProblem } from './problem.filter.js';
import { MEBIBYTE } from './route-limits.js';

describe('limits of a route', () => {
  let server: FastifyInstance;
  let handled = 0;
  beforeAll(() => {
    server = fastify({ trustProxy: true });
    guardEdge(server, readConfig({ LOGIN_RATE_PER_MINUTE: '2' }));
    server.setErrorHandler((error, _request, reply) => {
      const { status, code, options } = toProblem(error);
      return reply.status(status).send({ code, retryAfterSeconds: options.retryAfterSeconds });
    });
    const handler = () => {
      handled += 1;
      return {};
    };
    server.post('/login', { config: { limits: { rate: 'login' } } }, handler);
    server.post('/refresh', { config: { limits: { rate: 'login' } } }, handler);
    server.post('/bulk', { config: { limits: { bodyBytesMax: 2 * MEBIBYTE, readsBody: true } } }, handler);
    server.post('/usual', handler);
    // On a socket an answered request closes; one that was injected would be cut two minutes later, in another file.
    server.addHook('onResponse', async ({ raw }) => void raw.destroy());
  });
  afterAll(() => server.close());

  const post = async (url: string, body: string, from = '192.0.2.1') => {
    const headers = { 'content-type': 'application/json', 'x-forwarded-for': from };
    const answer = await server.inject({ method: 'POST', url, headers, payload: body });
    return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
  };

  it('G5 refuse a login beyond the rate before its body is read, on all its doors together, by caller', async () => {
    expect((await post('/login', '{}')).status).toBe(200);
    expect((await post('/refresh', '{}')).status).toBe(200);
    const before = handled;
    const refused = await post('/login', 'not even JSON');
    expect(refused).toEqual({ status: 429, body: { code: 'too_many_requests', retryAfterSeconds: 30 } });
    expect(handled).toBe(before);
    expect((await post('/login', '{}', '192.0.2.2')).status).toBe(200);
    expect((await post('/usual', '{}')).status).toBe(200);
  });

  it.each([
    ['/usual', 1.5 * MEBIBYTE, 413],
    ['/bulk', 1.5 * MEBIBYTE, 200],
    ['/bulk', 2.5 * MEBIBYTE, 413],
  ])('let %s take a body of %d bytes: %d', async (url, bytes, status) => {
    expect((await post(url, JSON.stringify('x'.repeat(bytes)))).status).toBe(status);
  });

  it('leave the body to a route that reads it itself', async () => {
    expect((await post('/bulk', '["\\ud800"]')).status).toBe(200);
    expect((await post('/bulk', 'not JSON')).status).toBe(200);
    expect((await post('/usual', '["\\ud800"]')).status).toBe(400);
  });
});

describe('G2 credentials in a URL', () => {
  it.each([
    ['/a', []],
    ['/a?limit=1&cursor=token', []],
    ['/a?TOKEN=1', ['TOKEN']],
    ['/a?x=1&api%5Fkey=1&api_key=2', ['api_key']],
  ])('of %s are %j', (url, names) => {
    expect(credentialNamesIn(url)).toEqual(names);
  });
});
