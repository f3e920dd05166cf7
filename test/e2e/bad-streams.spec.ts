import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createGzip, gzipSync, zstdCompressSync } from 'node:zlib';
import { IdentityEntity } from '../../src/records/users/identity.entity.js';
import type { HttpClient } from '../support/http-client.js';
import { seedCustomer, seedFullConnection } from '../support/seed-customer.js';
import { SentStream, sendStream, toLines } from '../support/send-stream.js';
import { startApp, type TestApp } from '../support/start-app.js';

const MEBIBYTE = 1024 * 1024;

describe('a stream that is not as it should be', () => {
  let rollcall: TestApp;
  let connectionId: string;
  let key: HttpClient;

  beforeAll(async () => {
    rollcall = await startApp({ STREAM_IDLE_SECONDS: '1' });
  });
  afterAll(() => rollcall.stop());
  beforeEach(async () => {
    const tenantId = await seedCustomer(rollcall);
    connectionId = await seedFullConnection(rollcall, tenantId);
    key = await rollcall.clientWith(tenantId, ['users:sync', 'sync-runs:read'], connectionId);
  });

  const person = (n: number | string, more: object = {}) => ({ externalId: `b-${n}`, roles: ['viewer'], ...more });
  const people = (count: number) => Array.from({ length: count }, (_, n) => person(n));
  const externalIds = async () =>
    (await rollcall.database.read.findBy(IdentityEntity, { connectionId })).map((each) => each.externalId).sort();

  const badLines: [string, string | Buffer, RegExp][] = [
    ['that is no JSON', '{"externalId":"x"', /not valid JSON/],
    ['that is a list', '[{"externalId":"x"}]', /must be an object/],
    ['that is a number', '17', /must be an object/],
    ['that is null', 'null', /must be an object/],
    ['with invalid UTF-8', Buffer.from('{"externalId":"x","displayName":"\xff"}', 'latin1'), /UTF-8/],
    ['with NUL in a text', '{"externalId":"x","displayName":"a\\u0000b"}', /control character/],
    ['with NUL itself', '{"externalId":"x"\0}', /not valid JSON/],
    ['with half of a surrogate pair', '{"externalId":"x","displayName":"\\ud800"}', /surrogate/],
    ['with half of a surrogate pair for a name', '{"externalId":"\\udc00x"}', /surrogate/],
    ['that has a member twice', '{"externalId":"x","active":true,"active":false}', /"active" stands twice/],
    ['that names two people', '{"externalId":"x","externalId":"y"}', /"externalId" stands twice/],
    ['that reaches for a prototype', '{"externalId":"x","attributes":{"__proto__":{"a":1}}}', /__proto__/],
    ['that nests without end', `{"externalId":"x","attributes":${'['.repeat(9000)}${']'.repeat(9000)}}`, /nested/],
    ['of 65 KiB', `{"externalId":"x","displayName":"${'a'.repeat(65 * 1024)}"}`, /longer than 65536 bytes/],
    ['without anybody', '{"roles":["viewer"]}', /externalId is missing/],
  ];
  it.each(badLines)('a line %s fails alone, and is told with its number', async (_, line, why) => {
    const sent = [toLines([person(1)]), line, '\n', toLines([person(2)])].map((each) => Buffer.from(each));
    const { status, body } = await sendStream(key, Buffer.concat(sent));
    expect([status, body.counts]).toEqual([200, expect.objectContaining({ created: 2, failed: 1 })]);
    expect(body.failures).toMatchObject([{ record: 2, problem: { code: 'invalid_record' } }]);
    expect(body.failures[0]?.problem.detail).toMatch(why);
    expect(await externalIds()).toEqual(['b-1', 'b-2']);
    // What could not be stored as it came was not in the way of telling so.
    expect((await key.get(`/sync-runs/${body.run}/failures`)).status).toBe(200);
  });

  it('empty lines, CRLF, a byte order mark, spaces around and no line end at the end are nobody’s fault', async () => {
    const [one, two, three] = [1, 2, 3].map((n) => JSON.stringify(person(n)));
    const { body } = await sendStream(key, `\ufeff\r\n${one}\r\n\n \t ${two} \r\n\r\n${three}`);
    expect([body.counts.created, body.counts.failed, body.upTo]).toEqual([3, 0, 6]);
    expect(await externalIds()).toEqual(['b-1', 'b-2', 'b-3']);
    expect((await sendStream(key, `\ufeff${one}`)).body.counts).toMatchObject({ unchanged: 1 });
  });

  it('a stream with a Content-Length beyond what JSON may have is no less a stream', async () => {
    const long = `{"externalId":"long","displayName":"${'a'.repeat(17 * MEBIBYTE)}"}\n`;
    const { status, body } = await sendStream(key, `${long}${toLines([person(1)])}`);
    expect([status, body.counts]).toEqual([200, expect.objectContaining({ created: 1, failed: 1 })]);
  });

  const bomb = () => {
    const gzip = createGzip({ level: 9 });
    const zeros = Buffer.alloc(MEBIBYTE, '\n');
    const pieces: Buffer[] = [];
    gzip.on('data', (piece: Buffer) => pieces.push(piece));
    return new Promise<Buffer>((resolve) => {
      gzip.on('end', () => resolve(Buffer.concat(pieces)));
      for (let n = 0; n < 100; n++) gzip.write(zeros);
      gzip.end();
    });
  };
  it('a gzip bomb is refused before it has filled anything, and what came before it stays', async () => {
    const start = gzipSync(toLines(people(600)));
    const sent = Buffer.concat([start, await bomb()]);
    const { status, body } = await sendStream(key, sent, '', { 'content-encoding': 'gzip' });
    expect([status, body.code, body.upTo]).toEqual([400, 'stream_broken', 500]);
    expect(body.detail).toMatch(/expands/);
    expect(await externalIds()).toHaveLength(500);
  });

  it.each([
    ['gzip cut short', 'gzip', () => gzipSync(toLines(people(900))).subarray(0, -9), /cut off/],
    ['zstd cut short', 'zstd', () => zstdCompressSync(toLines(people(900))).subarray(0, -9), /cut off/],
    ['what is no gzip', 'gzip', () => Buffer.from(toLines(people(2))), /cannot be decompressed/],
    ['what is no zstd', 'zstd', () => Buffer.from(toLines(people(2))), /cannot be decompressed/],
    [
      'several frames of zstd, of which the second would be lost',
      'zstd',
      () => Buffer.concat([zstdCompressSync(toLines(people(2))), zstdCompressSync(toLines(people(3)))]),
      /more than one zstd frame/,
    ],
  ])('%s breaks the run and says so', async (_, encoding, body, why) => {
    const answer = await sendStream(key, body(), '', { 'content-encoding': encoding });
    expect([answer.status, answer.body.code]).toEqual([400, 'stream_broken']);
    expect(answer.body.detail).toMatch(why);
    const run = await key.get<{ status: string; upTo: number; error: string }>(`/sync-runs/${answer.body.run}`);
    expect(run.body).toMatchObject({ status: 'broken', upTo: answer.body.upTo, error: answer.body.detail });
    expect(await externalIds()).toHaveLength(answer.body.upTo);
  });

  it('an encoding that is not spoken is refused before anything is read', async () => {
    const { status } = await sendStream(key, toLines(people(1)), '', { 'content-encoding': 'br' });
    expect(status).toBe(415);
    expect((await key.get<{ items: object[] }>('/sync-runs')).body.items).toEqual([]);
  });

  it('a stream that stops is given up after STREAM_IDLE_SECONDS, and what was committed stays', async () => {
    const stream = new SentStream(key);
    await stream.write(toLines(people(700)));
    const { status, body } = await stream.answer;
    expect([status, body.code, body.upTo]).toEqual([400, 'stream_broken', 500]);
    expect(body.detail).toMatch(/Nothing arrived for 1 s/);
    expect(await externalIds()).toHaveLength(500);
    stream.cut();
  });

  it.each(['text/csv', 'application/x-www-form-urlencoded'])('a body of %s hears what to send', async (type) => {
    const { status, body } = await sendStream(key, 'externalId\nb-1\n', '', { 'content-type': type });
    expect([status, body.code]).toEqual([415, 'unsupported_media_type']);
    expect(body.detail).toMatch(/application\/json.*application\/x-ndjson/);
  });

  it('NDJSON where no stream is taken is refused by its media type', async () => {
    const answer = await key.post('/roles', toLines([{}]), { 'content-type': 'application/x-ndjson' });
    expect(answer.status).toBe(415);
  });

  it('two streams of one connection at once, of the same people: nobody is there twice, and one of them was the last', async () => {
    const lines = (roles: string[]) => toLines(people(1500).map((each) => ({ ...each, roles })));
    const answers = await Promise.all([sendStream(key, lines(['viewer'])), sendStream(key, lines(['editor']))]);
    expect(answers.map(({ status, body }) => [status, body.counts.failed])).toEqual([
      [200, 0],
      [200, 0],
    ]);
    expect(new Set(await externalIds()).size).toBe(1500);
    expect(await externalIds()).toHaveLength(1500);
  });
});
