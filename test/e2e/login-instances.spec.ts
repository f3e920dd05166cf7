import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AppModule } from '../../src/app.module.js';
import { Clock } from '../../src/platform/clock.js';
import { CONFIG } from '../../src/platform/config.js';
import { createHttpApp } from '../../src/platform/http-app.js';
import { HttpClient } from '../support/http-client.js';
import { LoginWorld } from '../support/login-world.js';

let world: LoginWorld;
let second: NestFastifyApplication;
let http: HttpClient;

beforeAll(async () => {
  world = await LoginWorld.start();
  const config = world.rollcall.app.get(CONFIG);
  second = await createHttpApp(AppModule.with(config, world.rollcall.database), config);
  second.get(Clock).now = () => world.clock.now();
  await second.listen(0, '127.0.0.1');
  http = new HttpClient(await second.getUrl());
});
afterAll(async () => {
  await second.close();
  await world.stop();
});

describe('two instances with caches of their own on one database', () => {
  const login = (token: string) => http.post('/auth/login', { token });

  it('D10 a token that has logged in on one does not log in on the other', async () => {
    const acme = await world.addCustomer();
    const token = acme.token();
    expect((await world.login(token)).status).toBe(200);
    expect((await login(token)).status).toBe(401);
  });

  it('D10 of 20 parallel uses on both exactly one logs in', async () => {
    const acme = await world.addCustomer();
    const token = acme.token();
    const both = Array.from({ length: 10 }, () => [world.login(token), login(token)]).flat();
    const statuses = (await Promise.all<{ status: number }>(both)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status >= 500)).toEqual([]);
  });

  it('E12 first logins of one person on both make one user', async () => {
    const acme = await world.addCustomer();
    const both = Array.from({ length: 10 }, () => [acme.login(), login(acme.token())]).flat();
    const statuses = (await Promise.all<{ status: number }>(both)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(await acme.rows()).toEqual({ users: 1, identities: 1, sessions: 20, grants: 1 });
  });

  it('C10 a key that is banned, and keys that are purged, on one count on the other from the next login on', async () => {
    const acme = await world.addCustomer();
    expect((await login(acme.token())).status).toBe(200);
    const admin = await acme.client('connections:trust');
    expect((await admin.post(`/connections/${acme.connectionId}/keys/ban`, { kid: 'k1' })).status).toBe(200);
    expect((await login(acme.token())).status).toBe(401);
    const bolt = await world.addCustomer();
    expect((await login(bolt.token())).status).toBe(200);
    bolt.realm.keys = [];
    const trusted = await bolt.client('connections:trust');
    expect((await trusted.post(`/connections/${bolt.connectionId}/keys/purge`)).status).toBe(200);
    expect((await login(bolt.token())).status).toBe(503);
  });
});
