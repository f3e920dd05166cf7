import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { request } from 'node:http';
import type { Customer } from './customer.js';
import { readRssMib } from './process-figures.js';
import { recordOf } from './push-stream.js';

const RSS_EVERY_MS = 250;

/** A file of NDJSON with made-up people. */
export interface Lines {
  path: string;
  users: number;
}

/** Written out before any clock runs: what the client still builds is taken from the service's cores. */
export async function writeLines(path: string, users: number, start = 0): Promise<Lines> {
  const file = await open(path, 'w');
  for (let from = 0; from < users; from += 1000) {
    const count = Math.min(1000, users - from);
    await file.write(
      Array.from({ length: count }, (_, index) => `${JSON.stringify(recordOf(start + from + index))}\n`).join(''),
    );
  }
  await file.close();
  return { path, users };
}

/** Sends them as one stream. Tells how long it took, the counts, and the most memory that the service had meanwhile. */
export async function sendLines(
  url: string,
  { key }: Customer,
  { path, users }: Lines,
): Promise<{ seconds: number; rssMib: number; counts: Record<string, number> }> {
  let rssMib = await readRssMib(url);
  const watch = setInterval(() => {
    readRssMib(url).then(
      (now) => (rssMib = Math.max(rssMib, now)),
      () => undefined,
    );
  }, RSS_EVERY_MS);
  const from = performance.now();
  try {
    const headers = { 'content-type': 'application/x-ndjson', authorization: `Bearer ${key}` };
    const answer = await new Promise<{ status: number; text: string }>((resolve, reject) => {
      const outgoing = request(`${url}/users/sync`, { method: 'POST', headers, agent: false }, (incoming) => {
        let text = '';
        incoming.setEncoding('utf8').on('data', (piece: string) => (text += piece));
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text })).on('error', reject);
      });
      outgoing.on('error', reject);
      createReadStream(path, { highWaterMark: 256 * 1024 }).pipe(outgoing);
    });
    const seconds = (performance.now() - from) / 1000;
    const { counts } = (answer.status === 200 ? JSON.parse(answer.text) : {}) as { counts?: Record<string, number> };
    const applied = (counts?.created ?? 0) + (counts?.unchanged ?? 0) + (counts?.updated ?? 0);
    if (!counts || applied !== users) {
      throw new Error(`A stream was answered ${answer.status}: ${answer.text.slice(0, 500)}`);
    }
    return { seconds, rssMib, counts };
  } finally {
    clearInterval(watch);
  }
}
