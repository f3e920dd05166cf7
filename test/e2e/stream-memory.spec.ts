import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ProcessWorld } from '../support/process-world.js';
import { SentStream, toLines } from '../support/send-stream.js';

const MEBIBYTE = 1024 * 1024;

let world: ProcessWorld;
beforeAll(async () => {
  world = await ProcessWorld.build();
});
afterAll(() => world.stop());

/** Of the service alone, which is a process of its own here: what the tests take is not its. */
async function readRss(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^process_resident_memory_bytes (\d+)/m.exec(text)?.[1]);
}

it('a line of 100 MiB fails, the rest goes on, and memory stays where it is', async () => {
  const { service, http } = await world.start();
  const person = (n: number) => ({ externalId: `b-${n}`, roles: ['viewer'] });
  const stream = new SentStream(http, `?connection=${world.connection}`);
  await stream.write(toLines([person(1)]));
  await stream.write('{"externalId":"long","displayName":"');
  const piece = Buffer.alloc(MEBIBYTE, 'a');
  const before = await readRss(service.url);
  let most = before;
  for (let sent = 0; sent < 100; sent++) {
    await stream.write(piece);
    most = Math.max(most, await readRss(service.url));
  }
  const { status, body } = await stream.end(`"}\n${toLines([person(2)])}`);
  expect([status, body.counts]).toEqual([200, expect.objectContaining({ created: 2, failed: 1 })]);
  expect(body.failures).toMatchObject([{ record: 2, externalId: null }]);
  expect((most - before) / MEBIBYTE).toBeLessThan(90);
  expect(before).toBeGreaterThan(0);
}, 60_000);
