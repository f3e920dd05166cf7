import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import mysql from 'mysql2/promise';
import { engine } from '../support/databases.js';
import { countOrphans } from '../support/directory-of.js';
import { HttpClient } from '../support/http-client.js';
import { servePeople } from '../support/people-server.js';
import { type OwnMysqlServer, startOwnMysqlServer } from '../support/mysql-server.js';
import { ProcessWorld } from '../support/process-world.js';
import { SentStream, toLines } from '../support/send-stream.js';

const BATCH = 300;

interface Seen {
  kind: 'push' | 'login';
  name: string;
  status: number;
  code: unknown;
  retryAfter: string | null;
}

// The embedded database is a part of the process, and goes away only with it (crash.spec.ts).
const onServer = engine === 'mysql' ? describe : describe.skip;

onServer('a database server that goes away and comes back', () => {
  let server: OwnMysqlServer;
  let world: ProcessWorld;
  let http: HttpClient;
  beforeAll(async () => {
    server = await startOwnMysqlServer();
    const admin = await mysql.createConnection({ uri: server.url });
    await admin.query('CREATE DATABASE rollcall');
    await admin.end();
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-outage-'));
    world = await ProcessWorld.build({
      env: { DATA_DIR: folder, DATABASE_URL: `${server.url}/rollcall` },
      drop: async () => rmSync(folder, { recursive: true, force: true }),
    });
    ({ http } = await world.start());
  }, 60_000);
  afterAll(async () => {
    server.signal('SIGCONT');
    await world.stop();
    await server.stop();
  }, 60_000);

  async function push(name: string): Promise<Seen> {
    const users = Array.from({ length: BATCH }, (_, n) => ({ externalId: `${name}-${n}`, roles: ['viewer'] }));
    const { status, body, headers } = await http.post('/users/sync', { users, connection: world.connection });
    return { kind: 'push', name, status, code: body.code, retryAfter: headers.get('retry-after') };
  }
  async function login(name: string): Promise<Seen> {
    const token = world.idp.token({ sub: name });
    const { status, body, headers } = await new HttpClient(http.url).post('/auth/login', { token });
    return { kind: 'login', name, status, code: body.code, retryAfter: headers.get('retry-after') };
  }
  const readyStatus = async () => (await fetch(`${http.url}/health/ready`)).status;
  async function untilReady(status: number): Promise<void> {
    while ((await readyStatus()) !== status) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  it('stopped and started again while pushes and logins run: 503 with Retry-After, nothing half, no restart', async () => {
    const seen: Seen[] = [];
    let isOver = false;
    const sides = Array.from({ length: 5 }, async (_, side) => {
      for (let round = 0; !isOver; round++) {
        const name = `s${side}r${round}`;
        seen.push(await (side < 2 ? push(name) : login(name)));
        if (seen.at(-1)?.status !== 200) await new Promise((resolve) => setTimeout(resolve, 20));
      }
    });
    const until = async (isSo: () => boolean) => {
      while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 10));
    };
    const both = (from: number, status: number) =>
      (['push', 'login'] as const).every((kind) =>
        seen.slice(from).some((one) => one.kind === kind && one.status === status),
      );
    await until(() => both(0, 200));
    await server.halt();
    await until(() => both(0, 503));
    await untilReady(503);
    await server.restart();
    const back = seen.length;
    await untilReady(200);
    await until(() => both(back, 200));
    isOver = true;
    await Promise.all(sides);

    const bad = seen.filter(({ status, code, retryAfter }) =>
      status === 200
        ? false
        : status !== 503 || !/^(database_unavailable|overloaded)$/.test(String(code)) || !Number(retryAfter),
    );
    expect(bad).toEqual([]);
    for (const { kind, name, status } of seen) {
      const count =
        kind === 'push'
          ? await world.count('identities WHERE externalId LIKE ?', `${name}-%`)
          : await world.count('identities WHERE subject = ?', name);
      const whole = kind === 'push' ? BATCH : 1;
      // Without an answer it may have been committed; with one it has been.
      expect([name, status, count]).toEqual([name, status, status === 200 || count > 0 ? whole : 0]);
    }
    expect(await countOrphans(world.database.read)).toBe(0);
  }, 60_000);

  it('stopped and started again in the middle of a stream: the stream waits, goes on, and is whole', async () => {
    await untilReady(200);
    const stream = new SentStream(http, `?connection=${world.connection}`);
    const part = (from: number) =>
      toLines(Array.from({ length: 3000 }, (_, n) => ({ externalId: `stream-${from + n}`, roles: ['viewer'] })));
    await stream.write(part(0));
    await world.untilCount(500, "identities WHERE externalId LIKE 'stream-%'");
    const sending = stream.write(part(3000));
    await server.halt();
    await untilReady(503);
    await server.restart();
    await sending;
    const { status, body } = await stream.end(part(6000));
    expect([status, body.counts]).toEqual([200, expect.objectContaining({ created: 9000, unchanged: 0, failed: 0 })]);
    expect(await world.count("identities WHERE externalId LIKE 'stream-%'")).toBe(9000);
    expect(await countOrphans(world.database.read)).toBe(0);
  }, 60_000);

  it('stopped and started again in the middle of a pull: the pull waits, or is taken up again, and is whole', async () => {
    await untilReady(200);
    const people = Array.from({ length: 6000 }, (_, n) => ({ externalId: `pull-${n}`, roles: ['viewer'] }));
    const source = await servePeople(people, 100);
    try {
      const body = { type: 'json', url: source.url, items: '/items', next: '/next' };
      expect((await http.put(`/connections/${world.connection}/source`, body)).status).toBe(200);
      const { run } = (await http.post<{ run: string }>(`/connections/${world.connection}/sync`)).body;
      await world.untilCount(500, "identities WHERE externalId LIKE 'pull-%'");
      await server.halt();
      await untilReady(503);
      await server.restart();
      await untilReady(200);
      await world.untilCount(1, "runs WHERE id = ? AND status <> 'running'", run);
      expect((await http.get(`/sync-runs/${run}`)).body).toMatchObject({
        status: 'finished',
        counts: { created: 6000 },
      });
      const stored = await world.rows('SELECT failures, suspendedAt FROM connection_sources');
      expect(stored).toEqual([{ failures: 0, suspendedAt: null }]);
      expect(await countOrphans(world.database.read)).toBe(0);
    } finally {
      await source.stop();
    }
  }, 60_000);

  it('that hangs makes the service unready and not stuck: when it goes on, so does every request', async () => {
    await untilReady(200);
    server.signal('SIGSTOP');
    const waiting = [push('hang-a'), push('hang-b'), ...Array.from({ length: 15 }, (_, n) => login(`hang-${n}`))];
    await untilReady(503);
    expect((await fetch(`${http.url}/health/live`)).status).toBe(200);
    server.signal('SIGCONT');
    const answers = await Promise.all(waiting);
    expect(answers.filter(({ status, code }) => status !== 200 && code !== 'overloaded')).toEqual([]);
    await untilReady(200);
    expect((await login('after')).status).toBe(200);
    expect((await push('after')).status).toBe(200);
  }, 60_000);
});
