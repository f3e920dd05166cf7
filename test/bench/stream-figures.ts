import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type mysql from 'mysql2/promise';
import type { Customer } from './customer.js';
import { atLeast, atMost, type Figure, type Measurement, type Sizes } from './figure.js';
import { readRssMib } from './process-figures.js';
import { externalIdOf, recordOf } from './push-stream.js';
import { RowCopier } from './row-copier.js';
import type { Stage } from './stage.js';
import { round } from './statistics.js';

const PEOPLE_PER_CHUNK = 500;
/** One stream against one connection that inserts chunk after chunk. */
const FLOOR_CONNECTIONS = 1;
const RSS_EVERY_MS = 250;

export const streamFigures: Measurement = {
  names: ['sync_stream_ratio', 'sync_stream_unchanged_gain', 'sync_cost_growth', 'sync_stream_rss_mib'],
  measure: measureStreams,
};

async function* measureStreams(stage: Stage, sizes: Sizes): AsyncGenerator<Figure> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-'));
  try {
    const short = await writeLines(join(folder, 'short.ndjson'), sizes.shortStreamUsers);
    const long = await writeLines(join(folder, 'long.ndjson'), sizes.streamUsers);
    await stage.endService();
    const { url } = await stage.running();
    const idle = await readRssMib(url);
    const warm = await send(url, await stage.createCustomer(), short);
    await stage.settle();

    const customer = await stage.createCustomer();
    const copier = await RowCopier.open(stage, customer);
    const fresh = await send(url, customer, long);
    stage.say(`users a second: ${Math.round(sizes.streamUsers / fresh.seconds)}`);
    const written = await copier.countWritten();
    await stage.settle();
    const floor = await copier.measure(written, FLOOR_CONNECTIONS, PEOPLE_PER_CHUNK);
    await copier.close();
    yield atLeast('sync_stream_ratio', round(floor / fresh.seconds), 0.6, {
      users_per_second: Math.round(sizes.streamUsers / fresh.seconds),
      floor_per_second: Math.round(sizes.streamUsers / floor),
      floor_connections: FLOOR_CONNECTIONS,
      users: sizes.streamUsers,
      rows: written,
    });
    const again = await send(url, customer, long);
    yield atLeast('sync_stream_unchanged_gain', round(fresh.seconds / again.seconds), 1.5, {
      users_per_second: Math.round(sizes.streamUsers / again.seconds),
    });
    yield await measureGrowth(stage, customer, sizes.streamUsers);
    yield atMost('sync_stream_rss_mib', Math.max(fresh.rssMib, again.rssMib) - idle, 200, {
      users: sizes.streamUsers,
      [`after_${sizes.shortStreamUsers}`]: warm.rssMib - idle,
      idle,
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

interface Lines {
  path: string;
  users: number;
}

/** Written out before any clock runs: what the client still builds is taken from the service's cores. */
async function writeLines(path: string, users: number): Promise<Lines> {
  const file = await open(path, 'w');
  for (let from = 0; from < users; from += 1000) {
    const count = Math.min(1000, users - from);
    await file.write(
      Array.from({ length: count }, (_, index) => `${JSON.stringify(recordOf(from + index))}\n`).join(''),
    );
  }
  await file.close();
  return { path, users };
}

/** Sends them as one stream. Tells how long it took, and the most memory that the service had meanwhile. */
async function send(
  url: string,
  { key }: Customer,
  { path, users }: Lines,
): Promise<{ seconds: number; rssMib: number }> {
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
    const answer = await new Promise<{ status?: number; text: string }>((resolve, reject) => {
      const outgoing = request(`${url}/users/sync`, { method: 'POST', headers, agent: false }, (incoming) => {
        let text = '';
        incoming.setEncoding('utf8').on('data', (piece: string) => (text += piece));
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text })).on('error', reject);
      });
      outgoing.on('error', reject);
      createReadStream(path, { highWaterMark: 256 * 1024 }).pipe(outgoing);
    });
    if (answer.status !== 200 || !new RegExp(`"(created|unchanged)":${users},`).test(answer.text)) {
      throw new Error(`A stream was answered ${answer.status}: ${answer.text.slice(0, 500)}`);
    }
    return { seconds: (performance.now() - from) / 1000, rssMib };
  } finally {
    clearInterval(watch);
  }
}

/** When the people were written stands at them: the last tenth against the first. */
async function measureGrowth(stage: Stage, { connectionId }: Customer, users: number): Promise<Figure> {
  const connection = await stage.connect();
  const writtenAt = async (number: number): Promise<number> => {
    const [rows] = await connection.execute<mysql.RowDataPacket[]>(
      'SELECT createdAt FROM identities WHERE connectionId = ? AND externalId = ?',
      [connectionId, externalIdOf(number)],
    );
    return Number(rows[0]?.createdAt);
  };
  const tenth = users / 10;
  const first = (await writtenAt(tenth)) - (await writtenAt(0));
  const last = (await writtenAt(users - 1)) - (await writtenAt(users - 1 - tenth));
  await connection.end();
  return atMost('sync_cost_growth', round(last / first), 1.3, { users });
}
