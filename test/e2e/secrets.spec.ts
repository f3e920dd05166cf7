import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { readConfig } from '../../src/platform/config.js';
import type { Database } from '../../src/platform/database.js';
import { openDatabase } from '../../src/platform/open-database.js';
import { shape } from '../../src/tables.js';
import { type Answer, HttpClient } from '../support/http-client.js';
import { type LoopbackIdp, startLoopbackIdp } from '../support/loopback-idp.js';
import { startSourceServer } from '../support/source-server.js';
import { type ServiceProcess, startProcess } from '../support/start-process.js';

const PASSWORD = 'correct-horse-battery-staple';
const WRONG_PASSWORD = 'wrong-horse-battery-staple';
const NEW_PASSWORD = 'another-horse-battery-staple';

/** Everything that was used as a credential, by what it was, and everything that a caller was refused with. */
const secrets = new Map<string, string>();
const refusals: string[] = [];

/** Of a JWT its signature, of an API key its secret: what makes them worth something. */
function keep(what: string, credential: unknown): string {
  const text = String(credential);
  secrets.set(what, /^[^.]+\.[^.]+\.(.+)$/.exec(text)?.[1] ?? /^rc_[^_]+_(.+)$/.exec(text)?.[1] ?? text);
  return text;
}

/** Notes what a refusal says, and that it is one. */
function refused(answer: Answer, status: number): void {
  expect(answer.status).toBe(status);
  refusals.push(JSON.stringify(answer.body));
}

describe('G3 a service that logs all it can', () => {
  let service: ServiceProcess;
  let database: Database;
  let idp: LoopbackIdp;
  let http: HttpClient;
  beforeAll(async () => {
    idp = await startLoopbackIdp();
    service = await startProcess({
      LOG_LEVEL: 'trace',
      ALLOW_LOOPBACK_HTTP: 'true',
      OUTBOUND_ALLOW: '127.0.0.0/8',
      METRICS_TOKEN: keep('the token of the metrics', 'metrics-token-metrics-token'),
    });
    database = await openDatabase(readConfig(service.env), shape);
    http = new HttpClient(service.url);
    const admin = await useLinksAndPasswords();
    await useKeys(admin);
    await useTokens(admin);
    await useSources(admin);
    await useSessions();
    await service.output(/"route":"\/auth\/logout"/);
  }, 60_000);
  afterAll(async () => {
    await database.close();
    await service.stop();
    await idp.stop();
  });

  const logIn = (password: string) =>
    http.post<{ access_token: string; refresh_token: string }>('/auth/login', {
      tenant: 'main',
      userName: 'root',
      password,
    });

  async function useLinksAndPasswords(): Promise<HttpClient> {
    const link = await service.output(/setup#token=[\w-]+/);
    const token = keep('the first link', link.split('=')[1]);
    secrets.set('the password', PASSWORD).set('the wrong password', WRONG_PASSWORD);
    refused(await http.post('/setup', { token, userName: 'root', password: PASSWORD, more: PASSWORD }), 400);
    expect((await http.post('/setup', { token, userName: 'root', password: PASSWORD })).status).toBe(201);
    refused(await http.post('/setup', { token, userName: 'root', password: PASSWORD }), 410);
    refused(await logIn(WRONG_PASSWORD), 401);
    refused(await http.post('/auth/login', `{"tenant":"main","password":"${PASSWORD}`), 400);
    refused(await http.post('/auth/login', { tenant: 'main', password: PASSWORD }), 400);
    const { body } = await logIn(PASSWORD);
    keep('the refresh token of the first login', body.refresh_token);
    const admin = http.as(keep('the first access token', body.access_token));
    const invited = await admin.post<{ link: string }>('/local-admins', { userName: 'bob', roles: ['auditor'] });
    expect(invited.status).toBe(201);
    const invitation = keep('an invitation', invited.body.link.split('=')[1]);
    secrets.set('the password of who was invited', NEW_PASSWORD);
    expect((await http.post('/setup', { token: invitation, password: NEW_PASSWORD })).status).toBe(201);
    return admin;
  }

  async function useKeys(admin: HttpClient): Promise<void> {
    const made = await admin.post<{ id: string; key: string }>('/api-keys', { name: 'job', scopes: ['users:read'] });
    expect(made.status).toBe(201);
    const key = keep('an API key', made.body.key);
    expect((await http.as(key).get('/users')).status).toBe(200);
    const login = await http.post<{ access_token: string }>('/auth/login', { apiKey: key });
    expect(login.status).toBe(200);
    keep('the access token of a key', login.body.access_token);
    refused(await http.as(`${key.slice(0, -1)}!`).get('/users'), 401);
    refused(await http.get(`/users?api_key=${key}`), 400);
    refused(await http.as(key).post('/users', { userName: 'x' }), 403);
  }

  async function useTokens(admin: HttpClient): Promise<void> {
    const connection = { name: 'Loopback', audiences: ['rollcall'], ...idp.trust };
    const made = await admin.post('/connections', connection);
    expect(made.status).toBe(201);
    const token = keep('a token of an IdP', idp.token({ sub: 'ada', name: 'Ada' }));
    const login = await http.post<{ access_token: string; refresh_token: string }>('/auth/login', { token });
    expect(login.status).toBe(200);
    keep('an access token', login.body.access_token);
    keep('a refresh token', login.body.refresh_token);
    refused(await http.as(token).post('/auth/login'), 401);
    const foreign = keep('a token for another audience', idp.token({ sub: 'ada', aud: 'other' }));
    refused(await http.post('/auth/login', { token: foreign }), 401);
    const broken = keep(
      'a token with a broken signature',
      `${idp.token({ sub: 'ada' }).slice(0, -20)}${'A'.repeat(20)}`,
    );
    refused(await http.post('/auth/login', { token: broken }), 401);
    refused(await http.post('/auth/login', { token: `${token}=` }), 401);
    refused(await http.as(token).get('/auth/me'), 401);
    refused(await http.get(`/auth/me?access_token=${token}`), 400);
    const explained = await admin.post(`/connections/${String(made.body.id)}/explain`, { token: foreign });
    refusals.push(JSON.stringify(explained.body));
  }

  async function useSources(admin: HttpClient): Promise<void> {
    const server = await startSourceServer((_request, response) => void response.writeHead(401).end());
    const made = await admin.post('/connections', { name: 'HR', issuer: 'https://hr.example.com', audiences: ['hr'] });
    const path = `/connections/${String(made.body.id)}`;
    const password = keep('the password of a source', 'source-password-source-password');
    const basic = { kind: 'basic', userName: 'rollcall', password };
    refused(await admin.put(`${path}/source`, { type: 'json', url: 'nowhere', credential: basic }), 400);
    refused(await admin.put(`${path}/source`, { type: 'json', url: server.url, credential: password }), 400);
    expect((await admin.put(`${path}/source`, { type: 'json', url: server.url, credential: basic })).status).toBe(200);
    const pair = keep('what a source is asked with', Buffer.from(`rollcall:${password}`).toString('base64'));
    expect((await admin.post(`${path}/sync`)).status).toBe(202);
    while ((await admin.get(`${path}/source`)).body.suspended === null) await service.output(/"route"/);
    refusals.push(JSON.stringify((await admin.get(`/sync-runs?connection=${String(made.body.id)}`)).body));
    refused(await admin.post(`${path}/resume`), 502);
    expect(server.asked.map(({ headers }) => headers.authorization)).toContain(`Basic ${pair}`);
    await server.stop();
  }

  async function useSessions(): Promise<void> {
    const { body } = await logIn(PASSWORD);
    const refreshToken = keep('the refresh token that is used', body.refresh_token);
    const next = await http.post<{ access_token: string; refresh_token: string }>('/auth/refresh', {
      refresh_token: refreshToken,
    });
    expect(next.status).toBe(200);
    keep('the next refresh token', next.body.refresh_token);
    const accessToken = keep('the next access token', next.body.access_token);
    refused(await http.post('/auth/refresh', { refresh_token: `${refreshToken}x` }), 401);
    expect((await http.as(accessToken).post('/auth/logout')).status).toBeLessThan(300);
  }

  /** The secrets that stand in a text, by what they were. */
  const secretsIn = (text: string): string[] =>
    [...secrets].filter(([, secret]) => text.includes(secret)).map(([what]) => what);

  it('has used them all', () => {
    expect(secrets.size).toBeGreaterThan(15);
    expect(refusals.length).toBeGreaterThan(12);
    expect(secretsIn([...secrets.values()].join(' '))).toHaveLength(secrets.size);
    expect([...secrets.values()].every((secret) => secret.length >= 16)).toBe(true);
  });

  it('writes none of them into its log; the first link stands on the terminal, once, by intention', () => {
    const notice = service.log.filter((line) => line.includes('/setup#token='));
    expect(notice).toEqual([expect.stringMatching(/^ {4}http\S+$/)]);
    const log = service.log.filter((line) => !notice.includes(line));
    expect(log.filter((line) => line.includes('"route"')).length).toBeGreaterThan(20);
    expect(secretsIn(log.join('\n'))).toEqual([]);
  });

  it('gives none of them back with a refusal', () => {
    expect(secretsIn(refusals.join('\n'))).toEqual([]);
  });

  it('keeps none of them readable in any table, the ledger among them', async () => {
    const counts: Record<string, number> = {};
    for (const { tableName } of database.read.connection.entityMetadatas) {
      const rows: object[] = await database.read.query(`SELECT * FROM ${tableName}`);
      counts[tableName] = rows.length;
      expect({ tableName, found: secretsIn(JSON.stringify(rows)) }).toEqual({ tableName, found: [] });
    }
    for (const table of ['events', 'sessions', 'used_refresh_tokens', 'api_keys', 'local_passwords']) {
      expect(counts[table]).toBeGreaterThan(0);
    }
  });

  it('shows none of them in its metrics, nor on the command line', async () => {
    const metrics = await http.as('metrics-token-metrics-token').get<string>('/metrics');
    expect(metrics.status).toBe(200);
    expect(secretsIn(metrics.body)).toEqual([]);
    const options = { env: { ...service.env, LOG_LEVEL: 'trace' }, encoding: 'utf8' as const };
    const doctor = spawnSync(process.execPath, ['dist/src/cli.js', 'doctor'], options);
    expect(secretsIn(doctor.stdout + doctor.stderr)).toEqual([]);
  });
});
