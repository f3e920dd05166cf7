import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type mysql from 'mysql2/promise';
import type { Customer } from './customer.js';
import type { Figure, Measurement, Sizes } from './figure.js';
import { sendLines, writeLines } from './line-file.js';
import { startService } from './service.js';
import type { Stage } from './stage.js';
import { round } from './statistics.js';

export const instanceFigures: Measurement = { names: ['two_instances'], measure: measureInstances };

/**
 * Two processes on one database, each with its own half of the people, against one with all of them; and the same people
 * sent to both at once, of whom every record has to be applied and nobody may stand there twice.
 */
async function* measureInstances(stage: Stage, sizes: Sizes): AsyncGenerator<Figure> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-'));
  const users = sizes.shortStreamUsers;
  await stage.endService();
  const services = [await startService(stage.databaseUrl), await startService(stage.databaseUrl)] as const;
  try {
    const [one, other] = services;
    const all = await writeLines(join(folder, 'all.ndjson'), users);
    const first = await writeLines(join(folder, 'first.ndjson'), users / 2);
    const second = await writeLines(join(folder, 'second.ndjson'), users / 2, users / 2);
    const warm = await stage.createCustomer();
    for (const { url } of services) await sendLines(url, warm, first);
    await stage.settle();

    const alone = await sendLines(one.url, await stage.createCustomer(), all);
    await stage.settle();
    const shared = await stage.createCustomer();
    const halves = await Promise.all([sendLines(one.url, shared, first), sendLines(other.url, shared, second)]);
    await stage.settle();
    const both = await stage.createCustomer();
    const same = await Promise.all(services.map(({ url }) => sendLines(url, both, all)));
    await assertOnce(stage, both, users);
    yield {
      figure: 'two_instances',
      value: round(alone.seconds / Math.max(...halves.map(({ seconds }) => seconds))),
      users,
      one_per_second: Math.round(users / alone.seconds),
      two_per_second: Math.round(users / Math.max(...halves.map(({ seconds }) => seconds))),
      same_users_per_second: Math.round((2 * users) / Math.max(...same.map(({ seconds }) => seconds))),
      same_users_created: same.map(({ counts }) => counts.created),
    };
  } finally {
    for (const service of services) await service.end();
    await rm(folder, { recursive: true });
  }
}

async function assertOnce(stage: Stage, { connectionId }: Customer, users: number): Promise<void> {
  const connection = await stage.connect();
  const [rows] = await connection.execute<mysql.RowDataPacket[]>(
    'SELECT COUNT(*) AS identities, COUNT(DISTINCT userId) AS users FROM identities WHERE connectionId = ?',
    [connectionId],
  );
  await connection.end();
  const counted = { identities: Number(rows[0]?.identities), users: Number(rows[0]?.users) };
  if (counted.identities !== users || counted.users !== users) {
    throw new Error(`The same ${users} people, sent to both at once, became ${JSON.stringify(counted)}.`);
  }
}
