import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { readConfig } from '../../src/platform/config.js';
import type { Database } from '../../src/platform/database.js';
import { openDatabase } from '../../src/platform/open-database.js';
import { shape } from '../../src/tables.js';
import { HttpClient } from '../support/http-client.js';
import { type ServiceProcess, startProcess } from '../support/start-process.js';

const PASSWORD = 'correct horse battery';

describe('the command line beside a running service', () => {
  let service: ServiceProcess;
  let database: Database;
  let http: HttpClient;
  beforeAll(async () => {
    service = await startProcess();
    database = await openDatabase(readConfig(service.env), shape);
    http = new HttpClient(service.url);
  });
  afterAll(async () => {
    await database.close();
    await service.stop();
  });

  function rollcall(...args: string[]): { code: number | null; output: string } {
    const ended = spawnSync(process.execPath, ['dist/src/cli.js', ...args], { env: service.env, encoding: 'utf8' });
    return { code: ended.status, output: ended.stdout + ended.stderr };
  }

  /** Opens a link that a command printed, and sets a password with it. */
  async function setPassword(output: string, password: string): Promise<number> {
    const token = /^http\S+\/setup#token=([\w-]{43})$/m.exec(output)?.[1];
    return (await http.post('/setup', { token, password })).status;
  }

  const logIn = (userName: string, password: string) =>
    http.post<{ access_token: string }>('/auth/login', { tenant: 'platform', userName, password });

  it('`admin create` makes the first operator, who then logs in by password and may do what operators do', async () => {
    const made = rollcall('admin', 'create', 'root', '--name', 'Root');
    expect(made.code).toBe(0);
    expect(await setPassword(made.output, PASSWORD)).toBe(201);
    const login = await logIn('root', PASSWORD);
    expect(login.status).toBe(200);
    const tenants = await http.as(login.body.access_token).get('/tenants');
    expect(tenants).toMatchObject({ status: 200, body: { items: [{ slug: 'platform' }] } });
  });

  it('`admin create` refuses a name that is taken, and a tenant that is not there', () => {
    expect(rollcall('admin', 'create', 'ROOT')).toMatchObject({
      code: 1,
      output: expect.stringContaining('user name'),
    });
    const nowhere = rollcall('admin', 'create', 'ada', '--tenant', 'nowhere');
    expect(nowhere).toEqual({ code: 1, output: 'There is no tenant nowhere.\n' });
  });

  it('`admin reset` gives a link by which another password takes the place of the old', async () => {
    const reset = rollcall('admin', 'reset', 'root');
    expect(reset.code).toBe(0);
    expect((await logIn('root', PASSWORD)).status).toBe(200);
    expect(await setPassword(reset.output, `${PASSWORD}!`)).toBe(201);
    expect((await logIn('root', PASSWORD)).status).toBe(401);
    expect((await logIn('root', `${PASSWORD}!`)).status).toBe(200);
  });

  it('`keys rotate` publishes a second key, and the old one still signs', async () => {
    const { code, output } = rollcall('keys', 'rotate');
    const [, kid = ''] = /^published: (\S+)\nsigns from: \S+Z\n$/.exec(output) ?? [];
    expect({ code, kid }).toEqual({ code: 0, kid: expect.stringMatching(/^[\w-]{43}$/) });
    const rows: { kid: string }[] = await database.read.query('SELECT kid FROM signing_keys');
    expect(rows.map((row) => row.kid)).toContain(kid);
    const { body } = await logIn('root', `${PASSWORD}!`);
    const header = Buffer.from(body.access_token.split('.')[0] ?? '', 'base64url').toString();
    expect(header).not.toContain(kid);
  });

  it('`ledger verify` finds nothing in a ledger that nobody touched, and an altered row by its number', async () => {
    await waitForNumbers();
    const sound = rollcall('ledger', 'verify');
    expect(sound.output).toMatch(/^ledgers 1, events [1-9]\d* \(erased 0\), checkpoints 0, faults 0\n$/);
    expect(sound.code).toBe(0);
    const [row]: { eventId: string }[] = await database.read.query('SELECT eventId FROM event_order WHERE number = 2');
    await database.transaction((tx) =>
      tx.query('UPDATE events SET actorId = ? WHERE id = ?', ['somebody-else', row?.eventId]),
    );
    const altered = rollcall('ledger', 'verify');
    expect(altered.output).toMatch(/^FAULT {2}tenant \S+, number 2, event \S+: .*\nledgers 1, .* faults 1\n$/);
    expect(altered.code).toBe(1);
  });

  it('passes its own doctor', () => {
    const { code, output } = rollcall('doctor');
    expect(output).not.toContain('FAIL');
    expect(code).toBe(0);
  });

  async function waitForNumbers(): Promise<void> {
    for (;;) {
      const waiting: unknown[] = await database.read.query('SELECT 1 AS waiting FROM event_queue LIMIT 1');
      if (waiting.length === 0) return;
    }
  }
});
