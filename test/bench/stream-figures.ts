import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type mysql from 'mysql2/promise';
import type { Customer } from './customer.js';
import { atLeast, atMost, type Figure, type Measurement, type Sizes } from './figure.js';
import { sendLines, writeLines } from './line-file.js';
import { readRssMib } from './process-figures.js';
import { externalIdOf } from './push-stream.js';
import { RowCopier } from './row-copier.js';
import type { Stage } from './stage.js';
import { round } from './statistics.js';

const PEOPLE_PER_CHUNK = 500;
/** One stream against one connection that inserts chunk after chunk. */
const FLOOR_CONNECTIONS = 1;

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
    const warm = await sendLines(url, await stage.createCustomer(), short);
    await stage.settle();
    stage.say(`users a second, of ${sizes.shortStreamUsers}: ${Math.round(sizes.shortStreamUsers / warm.seconds)}`);

    const customer = await stage.createCustomer();
    const copier = await RowCopier.open(stage, customer);
    const fresh = await sendLines(url, customer, long);
    stage.say(`users a second, of ${sizes.streamUsers}: ${Math.round(sizes.streamUsers / fresh.seconds)}`);
    const written = await copier.countWritten();
    await stage.settle();
    stage.say(`the same rows by plain inserts: ${JSON.stringify(written)}`);
    const floor = await copier.measure(written, FLOOR_CONNECTIONS, PEOPLE_PER_CHUNK);
    await copier.close();
    yield atLeast('sync_stream_ratio', round(floor / fresh.seconds), 0.6, {
      users_per_second: Math.round(sizes.streamUsers / fresh.seconds),
      floor_per_second: Math.round(sizes.streamUsers / floor),
      floor_connections: FLOOR_CONNECTIONS,
      users: sizes.streamUsers,
      rows: written,
    });
    const again = await sendLines(url, customer, long);
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
