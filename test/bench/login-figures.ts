import { createPublicKey, generateKeyPairSync, randomUUID, sign, verify } from 'node:crypto';
import type { Customer } from './customer.js';
import { atLeast, atMost, type Figure, type Measurement, type Sizes } from './figure.js';
import { loginRequest, signTokens } from './idp-tokens.js';
import type { Stage } from './stage.js';
import { readMetric } from './process-figures.js';
import { median, percentile, round } from './statistics.js';
import { PushStream } from './push-stream.js';
import { runLoops, Wire } from './wire.js';

const CONNECTIONS = 32;
/** Logins a second while latencies are measured: steady, far from what the service could do. */
const PACE_PER_SECOND = 100;

export const loginFigures: Measurement = { names: ['login_ratio'], measure: measureLogins };
export const loginLatency: Measurement = { names: ['login_p99_during_sync'], measure: measureLatency };

/** Returning, unchanged users against a loop that does only what no login can do without. */
async function* measureLogins(stage: Stage, sizes: Sizes): AsyncGenerator<Figure> {
  const { url } = await stage.running();
  const customer = await stage.createCustomer();
  const logins = await LoginCrowd.open(stage, customer, sizes.loginUsers);
  await logins.welcome();
  const services: number[] = [];
  const floors: number[] = [];
  let cpuSeconds = 0;
  // Many short turns of both: what else the machine does meanwhile weighs on both alike. The first warms up.
  for (let turn = 0; turn <= sizes.loginRounds; turn++) {
    const floor = await measureFloor(stage, customer, sizes.loginSeconds);
    const tokens = Math.ceil((services.at(-1) ?? 2000) * 1.5 * sizes.loginSeconds) + CONNECTIONS;
    const cpuBefore = await readMetric(url, 'process_cpu_seconds_total');
    const { perSecond, count } = await logins.race(tokens, sizes.loginSeconds);
    cpuSeconds = ((await readMetric(url, 'process_cpu_seconds_total')) - cpuBefore) / count;
    await stage.settle();
    stage.say(`logins a second: ${Math.round(perSecond)}; floor ${Math.round(floor)}`);
    if (turn === 0) continue;
    services.push(perSecond);
    floors.push(floor);
  }
  logins.close();
  const value = round(median(services.map((service, index) => service / (floors[index] ?? NaN))));
  yield atLeast('login_ratio', value, 0.5, {
    logins_per_second: Math.round(median(services)),
    floor_per_second: Math.round(median(floors)),
    service_cpu_ms_per_login: round(cpuSeconds * 1000),
    connections: CONNECTIONS,
  });
}

/** Verifies RS256, signs ES256 and commits one row, at the same concurrency, from this process. */
async function measureFloor(stage: Stage, customer: Customer, seconds: number): Promise<number> {
  const [token = ''] = await signTokens(stage.idpKey, customer.issuer, ['floor']);
  const [head, payload, signature] = token.split('.');
  const input = Buffer.from(`${head}.${payload}`);
  const proof = Buffer.from(signature ?? '', 'base64url');
  const idpKey = createPublicKey({ key: stage.idpKey.jwk, format: 'jwk' });
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => stage.connect()));
  await connections[0]?.query(
    'CREATE TABLE IF NOT EXISTS floor_rows (id char(36) PRIMARY KEY, userId char(36), at bigint)',
  );
  const until = performance.now() + seconds * 1000;
  const { done, seconds: took } = await runLoops(CONNECTIONS, async (worker) => {
    if (performance.now() > until) return false;
    if (!verify('sha256', input, idpKey, proof)) throw new Error('The token of the floor does not verify.');
    sign('sha256', input, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    const connection = connections[worker];
    await connection?.beginTransaction();
    await connection?.execute('INSERT INTO floor_rows VALUES (?, ?, ?)', [randomUUID(), randomUUID(), Date.now()]);
    await connection?.commit();
    return true;
  });
  await Promise.all(connections.map((connection) => connection.end()));
  return done / took;
}

/** Logins at a steady pace, alone and while a push runs: what a person who logs in notices of it. */
async function* measureLatency(stage: Stage, sizes: Sizes): AsyncGenerator<Figure> {
  const customer = await stage.createCustomer();
  const logins = await LoginCrowd.open(stage, customer, Math.min(sizes.loginUsers, 500));
  await logins.welcome();
  const seconds = sizes.loginSeconds * 2;
  const pushing = await stage.createCustomer();
  const push = await PushStream.open((await stage.running()).url, pushing, 2);
  await push.send(push.prepare(0, 4000));
  await logins.pace(seconds / 2, PACE_PER_SECOND);
  await stage.settle();
  const idle = await logins.pace(seconds, PACE_PER_SECOND);
  const stop = push.sendUntilStopped(4000);
  const busy = await logins.pace(seconds, PACE_PER_SECOND);
  const pushed = await stop();
  logins.close();
  push.close();
  await stage.settle();
  const [p99Idle, p99Busy] = [percentile(idle, 0.99), percentile(busy, 0.99)];
  yield atMost('login_p99_during_sync', round(p99Busy / p99Idle), 5, {
    p99_idle_ms: round(p99Idle),
    p99_busy_ms: round(p99Busy),
    p50_idle_ms: round(percentile(idle, 0.5)),
    p50_busy_ms: round(percentile(busy, 0.5)),
    logins_per_second: PACE_PER_SECOND,
    pushed_users_per_second: Math.round(pushed / seconds),
  });
}

/** Many people of one customer, and the connections on which they log in. */
class LoginCrowd {
  private constructor(
    private readonly stage: Stage,
    private readonly customer: Customer,
    private readonly url: string,
    private readonly wires: readonly Wire[],
    private readonly subjects: readonly string[],
  ) {}

  static async open(stage: Stage, customer: Customer, people: number): Promise<LoginCrowd> {
    const { url } = await stage.running();
    const wires = await Promise.all(Array.from({ length: CONNECTIONS }, () => Wire.open(url)));
    const subjects = Array.from({ length: people }, (_, index) => `person-${index}`);
    return new LoginCrowd(stage, customer, url, wires, subjects);
  }

  /** Everyone's first login. */
  async welcome(): Promise<void> {
    await this.race(this.subjects.length, Infinity);
  }

  /** As many logins as there are tokens or as fit in the time; returns how many, and how many a second. */
  async race(tokens: number, seconds: number): Promise<{ perSecond: number; count: number }> {
    const requests = await this.sign(tokens);
    const until = performance.now() + seconds * 1000;
    let next = 0;
    const { done, seconds: took } = await runLoops(CONNECTIONS, async (worker) => {
      const request = requests[next++];
      if (!request || performance.now() > until) return false;
      await this.login(worker, request);
      return true;
    });
    return { perSecond: done / took, count: done };
  }

  /** Logins at a steady pace, whether earlier ones have come back or not; returns how long each took, in ms. */
  async pace(seconds: number, perSecond: number): Promise<number[]> {
    const requests = await this.sign(Math.ceil(seconds * perSecond));
    const free = this.wires.map((_, worker) => worker);
    const awaited: (() => void)[] = [];
    const from = performance.now();
    return Promise.all(
      requests.map(async (request, index) => {
        const dueMs = from + (index * 1000) / perSecond;
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
        const sentMs = performance.now();
        if (free.length === 0) await new Promise<void>((resolve) => awaited.push(resolve));
        const worker = free.pop() ?? 0;
        await this.login(worker, request);
        free.push(worker);
        awaited.shift()?.();
        return performance.now() - sentMs;
      }),
    );
  }

  close(): void {
    for (const wire of this.wires) wire.close();
  }

  private async sign(count: number): Promise<Buffer[]> {
    const subjects = Array.from({ length: count }, (_, index) => this.subjects[index % this.subjects.length] ?? '');
    const tokens = await signTokens(this.stage.idpKey, this.customer.issuer, subjects);
    return tokens.map((token) => loginRequest(this.url, token));
  }

  private async login(worker: number, request: Buffer): Promise<void> {
    const answer = await this.wires[worker]?.send(request);
    if (answer?.status !== 200) throw new Error(`A login was answered ${answer?.status}: ${String(answer?.body)}`);
  }
}
