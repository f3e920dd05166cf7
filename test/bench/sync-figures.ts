import type mysql from 'mysql2/promise';
import type { Customer } from './customer.js';
import { atLeast, atMost, type Figure, type Measurement, type Sizes } from './figure.js';
import { externalIdOf, type Push, PushStream } from './push-stream.js';
import { RowCopier } from './row-copier.js';
import { readRssMib } from './process-figures.js';
import { replan } from './replan-figure.js';
import type { Stage } from './stage.js';
import { round } from './statistics.js';
import { runLoops } from './wire.js';

const AT_ONCE = 2;
const KEYS_PER_READ = 1000;

export const syncFigures: Measurement = {
  names: [
    'sync_fresh_ratio',
    'cost_per_user_growth',
    'sync_unchanged_ratio',
    'rss_mib_after_sync',
    'replan_100k_seconds',
  ],
  measure: measureSync,
};

async function* measureSync(stage: Stage, sizes: Sizes): AsyncGenerator<Figure> {
  const { url } = await stage.running();
  await warmUp(stage, url, sizes);
  const customer = await stage.createCustomer();
  const push = await PushStream.open(url, customer, AT_ONCE);
  const copier = await RowCopier.open(stage, customer);

  const marks: [number, number][] = [];
  let users = 0;
  const pushes = push.prepare(0, sizes.users);
  const from = performance.now();
  await push.send(pushes, 'created', (count) => {
    users += count;
    marks.push([users, performance.now()]);
  });
  const fresh = sizes.users / ((performance.now() - from) / 1000);
  const written = await copier.countWritten();
  const numberedAfter = await stage.settle();
  stage.say(`users a second: ${Math.round(fresh)}`);
  const freshFloor = sizes.users / (await copier.measure(written, AT_ONCE));
  await copier.close();
  yield atLeast('sync_fresh_ratio', round(fresh / freshFloor), 0.6, {
    users_per_second: Math.round(fresh),
    floor_per_second: Math.round(freshFloor),
    users: sizes.users,
    rows: written,
    numbered_after_seconds: round(numberedAfter),
  });
  const growth = secondsBetween(marks, sizes.users - sizes.growthWindow, sizes.users);
  const early = secondsBetween(marks, sizes.growthWindow / 2, sizes.growthWindow * 1.5);
  yield atMost('cost_per_user_growth', round(growth / early), 1.25, {
    users: [sizes.growthWindow, sizes.users],
  });

  const unchanged = await measureUnchanged(push, pushes, sizes.users);
  const unchangedFloor = await measureReads(stage, customer, sizes.users);
  yield atLeast('sync_unchanged_ratio', round(unchanged / unchangedFloor), 0.3, {
    users_per_second: Math.round(unchanged),
    floor_per_second: Math.round(unchangedFloor),
  });
  push.close();
  yield { figure: 'rss_mib_after_sync', value: await readRssMib(url) };
  yield* replan(url, customer, sizes.users);
}

async function warmUp(stage: Stage, url: string, sizes: Sizes): Promise<void> {
  const push = await PushStream.open(url, await stage.createCustomer(), AT_ONCE);
  const pushes = push.prepare(0, sizes.growthWindow);
  await push.send(pushes);
  await push.send(pushes, 'unchanged');
  push.close();
  await stage.settle();
}

async function measureUnchanged(push: PushStream, pushes: readonly Push[], users: number): Promise<number> {
  const from = performance.now();
  await push.send(pushes, 'unchanged');
  return users / ((performance.now() - from) / 1000);
}

/** Plain reads of the keys and hashes of the same people, as many at a time. */
async function measureReads(stage: Stage, customer: Customer, users: number): Promise<number> {
  const connections = await Promise.all(Array.from({ length: AT_ONCE }, () => stage.connect()));
  const sql = `SELECT externalId, pushHash FROM identities WHERE connectionId = ? AND externalId IN (${'?,'.repeat(KEYS_PER_READ).slice(0, -1)})`;
  let next = 0;
  const { seconds } = await runLoops(AT_ONCE, async (worker) => {
    if (next >= users) return false;
    const start = next;
    next += KEYS_PER_READ;
    const keys = Array.from({ length: KEYS_PER_READ }, (_, index) => externalIdOf(start + index));
    const connection = connections[worker] as mysql.Connection;
    const [rows] = await connection.execute<mysql.RowDataPacket[]>(sql, [customer.connectionId, ...keys]);
    if (rows.length !== KEYS_PER_READ) throw new Error(`${rows.length} of ${KEYS_PER_READ} people were found.`);
    return true;
  });
  await Promise.all(connections.map((connection) => connection.end()));
  return users / seconds;
}

/** How long the people from `start` to `end` took, by what was done when. */
function secondsBetween(marks: readonly [number, number][], start: number, end: number): number {
  const at = (users: number): number => marks.find(([done]) => done >= users)?.[1] ?? NaN;
  return (at(end) - at(start)) / 1000;
}
