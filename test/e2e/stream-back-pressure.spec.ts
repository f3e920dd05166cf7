import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { IdentityEntity } from '../../src/records/users/identity.entity.js';
import { seedCustomer, seedFullConnection } from '../support/seed-customer.js';
import { SentStream, toLines } from '../support/send-stream.js';
import { startApp, type TestApp } from '../support/start-app.js';

let rollcall: TestApp;
beforeAll(async () => {
  rollcall = await startApp();
});
afterAll(() => rollcall.stop());

const MEBIBYTE = 1024 * 1024;
const [SENT, TAKEN_MAX] = [64 * MEBIBYTE, 32 * MEBIBYTE];

const stored = (text: string) => gzipSync(text, { level: 0 });

it.each<[string, Record<string, string>, (text: string) => string | Buffer]>([
  ['as it is', {}, (text) => text],
  ['packed', { 'content-encoding': 'gzip' }, stored],
])('a stream that comes %s is taken as fast as it is written: who sends more has to wait', async (_, headers, pack) => {
  const tenantId = await seedCustomer(rollcall);
  const connectionId = await seedFullConnection(rollcall, tenantId);
  const key = await rollcall.clientWith(tenantId, ['users:sync'], connectionId);
  const sockets: Socket[] = [];
  (rollcall.app.getHttpServer() as Server).on('connection', (socket: Socket) => sockets.push(socket));
  const stream = new SentStream(key, '', headers);
  await stream.write(pack(toLines(Array.from({ length: 600 }, (_each, n) => ({ externalId: `b-${n}` })))));
  const written = () => rollcall.database.read.countBy(IdentityEntity, { connectionId });
  while ((await written()) < 500) await sleep(20);

  // The database is busy with something else.
  const { promise: isFree, resolve: free } = Promise.withResolvers<void>();
  const write = rollcall.database.transaction.bind(rollcall.database);
  rollcall.database.transaction = (async (...given: Parameters<typeof write>) => {
    await isFree;
    return write(...given);
  }) as typeof write;
  // Refused one by one, which costs little.
  const line = `${JSON.stringify({ externalId: 'x', unknown: 'y'.repeat(60_000) })}\n`;
  const lines = Math.ceil(SENT / line.length);
  const answer = stream.end(pack(line.repeat(lines)));
  const taken = () => sockets.reduce((sum, { bytesRead }) => sum + bytesRead, 0);
  for (let before = -1; before < taken(); await sleep(100)) before = taken();
  const whileBusy = taken();
  free();
  rollcall.database.transaction = write;
  expect((await answer).body.counts).toMatchObject({ created: 600, failed: lines });
  expect(taken()).toBeGreaterThan(SENT);
  expect(whileBusy).toBeLessThan(TAKEN_MAX);
});
