import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Clock } from '../../../platform/clock.js';
import type { Outbound } from '../../../platform/outbound.js';
import { loopbackOutbound } from '../../../../test/support/read-source.js';
import { sendJson, type SourceServer, startSourceServer } from '../../../../test/support/source-server.js';
import { PrimaryClient } from './primary-client.js';

const PRIMARY = 'the connection there';
const SIGNAL = new AbortController().signal;
const ids = Array.from({ length: 500 }, (_, n) => `u-${n}`);

describe('the records that a primary is asked for', () => {
  let server: SourceServer;
  let outbound: Outbound;
  /** How many people each request asked for. */
  let asked: number[];
  let answer: (some: string[], response: ServerResponse) => void;
  /** Where it has too much to do. */
  let busyAt: string | null;
  beforeEach(async () => {
    [asked, busyAt] = [[], null];
    server = await startSourceServer((request, response) => {
      const token = ['', JSON.stringify({ iat: Date.now() / 1000 }), ''].map((part) =>
        Buffer.from(part).toString('base64url'),
      );
      if (request.url === busyAt) response.writeHead(503, { 'retry-after': '7' }).end();
      else if (request.url === '/auth/login') sendJson(response, { access_token: token.join('.') });
      else if (request.url === '/auth/me') sendJson(response, { connection: PRIMARY });
      else void answerRecords(request, response);
    });
    outbound = loopbackOutbound();
  });
  afterEach(async () => {
    await outbound.onApplicationShutdown();
    await server.stop();
  });

  async function answerRecords(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const piece of request.setEncoding('utf8')) text += String(piece);
    const some = (JSON.parse(text) as { ids: string[] }).ids;
    asked.push(some.length);
    answer(some, response);
  }

  const client = () =>
    new PrimaryClient(outbound, { type: 'rollcall', url: server.url, primaryId: PRIMARY }, 'rc_key', new Clock());
  const recordOf = (externalId: string, more: object = {}) => ({ externalId, ...more });
  const namesIn = (records: (Buffer | null)[]) =>
    records.map((text) => (JSON.parse(String(text)) as { externalId: string }).externalId);

  it('may hold many groups each, and values within values', async () => {
    const groups = Array.from({ length: 1000 }, (_, n) => `group ${n}`);
    let deep: unknown = 'here';
    for (let depth = 0; depth < 20; depth++) deep = [deep];
    answer = (some, response) =>
      sendJson(response, { items: some.map((id) => recordOf(id, { groups, attributes: { deep } })), missing: [] });
    const { records } = await client().findRecords(ids, SIGNAL);
    expect([namesIn(records), asked]).toEqual([ids, [500]]);
  });

  it('that are too long together are asked for some at a time; who is missing is told of all of them', async () => {
    answer = (some, response) => {
      if (some.length > 130) response.writeHead(200, { 'content-length': String(2 ** 30) }).flushHeaders();
      else sendJson(response, { items: some.slice(1).map((id) => recordOf(id)), missing: some.slice(0, 1) });
    };
    const { records, missing } = await client().findRecords(ids, SIGNAL);
    expect(asked).toEqual([500, 250, 125, 125, 250, 125, 125]);
    expect(missing).toEqual(['u-0', 'u-125', 'u-250', 'u-375']);
    expect(new Set([...namesIn(records), ...missing])).toEqual(new Set(ids));
  });

  it('of which one alone is too long end the reading, and a long one that could be read is not kept', async () => {
    answer = (_some, response) => response.writeHead(200, { 'content-length': String(2 ** 30) }).flushHeaders();
    await expect(client().findRecords(ids, SIGNAL)).rejects.toMatchObject({ kind: 'invalid' });
    expect(asked).toEqual([500, 250, 125, 63, 32, 16, 8, 4, 2, 1]);
    const long = { displayName: 'x'.repeat(64 * 1024) };
    answer = (some, response) =>
      sendJson(response, { items: some.map((id) => recordOf(id, id === 'u-1' ? long : {})), missing: [] });
    const { records } = await client().findRecords(ids.slice(0, 3), SIGNAL);
    expect(records.map((text) => text && namesIn([text])[0])).toEqual(['u-0', null, 'u-2']);
  });

  it.each(['/auth/login', '/auth/me', '/users/records'])(
    'are asked for later where it is busy at %s, for as long as it says; it has not failed',
    async (path) => {
      busyAt = path;
      answer = (_some, response) => sendJson(response, { items: [], missing: [] });
      await expect(client().findRecords(ids, SIGNAL)).rejects.toMatchObject({ isBusy: true, retryAfterSeconds: 7 });
    },
  );
});
