import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { HOUR, MINUTE, SECOND } from '../../src/platform/clock.js';
import { KeyWatch } from '../../src/trust/key-watch.service.js';
import { type Customer, LoginWorld } from '../support/login-world.js';
import { makeIdpKey } from '../support/signed-tokens.js';

let world: LoginWorld;

beforeAll(async () => {
  world = await LoginWorld.start();
});
afterAll(() => world.stop());

const next = makeIdpKey('RS256', 'k2');

const statusesOf = async (logins: Promise<{ status: number }>[]): Promise<number[]> => [
  ...new Set((await Promise.all(logins)).map(({ status }) => status)),
];

describe('keys of an IdP over HTTP', () => {
  it('C1 200 logins at once on a cold cache cause one fetch', async () => {
    const acme = await world.addCustomer();
    const logins = Array.from({ length: 200 }, (_, i) => acme.login({ sub: `u-${i}` }));
    expect(await statusesOf(logins)).toEqual([200]);
    expect(acme.realm.fetches).toEqual(['keys']);
    expect(await acme.rows()).toEqual({ users: 200, identities: 200, sessions: 200, grants: 200 });
  });

  it('C1 the keys are found by discovery where no jwksUri is set', async () => {
    const acme = await world.addCustomer({ jwksUri: null });
    expect((await acme.login()).status).toBe(200);
    expect(acme.realm.fetches).toEqual(['.well-known/openid-configuration', 'keys']);
  });

  it('C2 1,000 random kids cause one fetch a cool-down, and logins with a known kid go on', async () => {
    const acme = await world.addCustomer();
    expect((await acme.login()).status).toBe(200);
    world.clock.pass(31 * SECOND);
    const flood = Array.from({ length: 1000 }, (_, i) => world.login(acme.token({}, { kid: `r-${i}` }, next)));
    const good = await acme.login();
    expect(good.status).toBe(200);
    expect(await statusesOf(flood)).toEqual([401]);
    expect(acme.realm.fetches).toHaveLength(2);
  });

  it('C3 a rotated key is found within the cool-down', async () => {
    const acme = await world.addCustomer();
    await acme.login();
    acme.realm.keys = [acme.realm.key, next];
    world.clock.pass(31 * SECOND);
    expect((await world.login(acme.token({}, {}, next))).status).toBe(200);
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ['500', (response) => void response.writeHead(500).end()],
    ['HTML', (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>hello')],
    ['no keys', (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{"keys":[]}')],
    ['cut JSON', (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{"keys":[{')],
    ['a cut connection', (response) => void response.destroy()],
  ])(
    'C4 during an outage (%s) the last keys count up to staleMax, then it is 503 with Retry-After',
    async (_, answer) => {
      const acme = await world.addCustomer();
      expect((await acme.login()).status).toBe(200);
      acme.realm.answer = answer;
      world.clock.pass(20 * MINUTE);
      expect((await acme.login()).status).toBe(200);
      expect((await acme.login()).status).toBe(200);
      world.clock.pass(6 * HOUR);
      const late = await acme.login();
      expect([late.status, late.body.code]).toEqual([503, 'idp_unavailable']);
      expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0);
      acme.realm.answer = null;
      world.clock.pass(2 * MINUTE);
      expect((await acme.login()).status).toBe(200);
    },
  );

  it('C9 while one IdP is down others are served, readiness names it, and it heals by itself', async () => {
    const [down, acme] = [await world.addCustomer(), await world.addCustomer()];
    down.realm.answer = (response) => void response.writeHead(503).end();
    const watch = world.rollcall.app.get(KeyWatch);
    await watch.look();
    expect((await acme.login()).status).toBe(200);
    expect((await down.login()).status).toBe(503);
    const ready = await readiness();
    expect(ready.status).toBe(200);
    expect(JSON.stringify(ready.body)).toContain(down.realm.issuer);
    expect(JSON.stringify(ready.body)).not.toContain(acme.realm.issuer);
    down.realm.answer = null;
    world.clock.pass(2 * MINUTE);
    await watch.look();
    expect(JSON.stringify((await readiness()).body)).not.toContain(down.realm.issuer);
    expect((await down.login()).status).toBe(200);
  });

  it('C9 a connection that lets nobody log in is not watched', async () => {
    const acme = await world.addCustomer({
      login: { enabled: false, createUsers: true, subject: 'claims.sub', match: [], maxSessionSeconds: 100 },
    });
    await world.rollcall.app.get(KeyWatch).look();
    expect(acme.realm.fetches).toEqual([]);
  });
});

/** Readiness is kept for a second: asked again once what is kept is older. */
async function readiness() {
  await new Promise((resolve) => setTimeout(resolve, 1050));
  return world.rollcall.http.get('/health/ready');
}

describe('C10 what an operator orders of keys', () => {
  const order = async (acme: Customer, path: string, body?: unknown, permission = 'connections:trust') =>
    (await acme.client(permission)).post(`/connections/${acme.connectionId}/keys/${path}`, body);

  it('C10 a banned kid never logs in, though it is published, until the ban is lifted', async () => {
    const acme = await world.addCustomer();
    acme.realm.keys = [acme.realm.key, next];
    expect((await acme.login()).status).toBe(200);
    const banned = await order(acme, 'ban', { kid: 'k1' });
    expect([banned.status, banned.body.bannedKids]).toEqual([200, ['k1']]);
    expect((await acme.login()).status).toBe(401);
    expect((await world.login(acme.token({}, {}, next))).status).toBe(200);
    expect(await acme.refusals()).toEqual(['kid_banned']);
    expect((await order(acme, 'ban', { kid: 'k1', banned: false })).body.bannedKids).toEqual([]);
    world.clock.pass(2 * SECOND);
    expect((await acme.login()).status).toBe(200);
  });

  it('C10 a purge makes the next login fetch the keys anew', async () => {
    const acme = await world.addCustomer();
    expect((await acme.login()).status).toBe(200);
    acme.realm.keys = [next];
    expect((await acme.login()).status).toBe(200);
    expect((await order(acme, 'purge')).status).toBe(200);
    expect((await acme.login()).status).toBe(401);
    expect((await world.login(acme.token({}, {}, next))).status).toBe(200);
    expect(acme.realm.fetches).toHaveLength(2);
  });

  it('C10 a purge of one tenant does not touch another that trusts the same issuer', async () => {
    const acme = await world.addCustomer({ requiredClaims: { hd: 'a' } });
    const bolt = await world.connect((await world.addCustomer()).tenantId, acme.realm, { requiredClaims: { hd: 'b' } });
    expect((await acme.login({ hd: 'a' })).status).toBe(200);
    await order(acme, 'purge');
    world.clock.pass(2 * SECOND);
    acme.realm.answer = (response) => void response.writeHead(500).end();
    expect((await acme.login({ hd: 'a' })).status).toBe(503);
    expect((await bolt.login({ hd: 'b' })).status).toBe(200);
  });

  it('C10 a ban survives a save of the connection', async () => {
    const acme = await world.addCustomer();
    await order(acme, 'ban', { kid: 'k1' });
    const http = await acme.client('connections:trust', 'connections:write', 'connections:read');
    const read = await http.get(`/connections/${acme.connectionId}`);
    const saved = await http.patch(
      `/connections/${acme.connectionId}`,
      { name: 'New name' },
      { 'if-match': `"${String(read.body.version)}"` },
    );
    expect(saved.status).toBe(200);
    world.clock.pass(2 * SECOND);
    expect((await acme.login()).status).toBe(401);
  });

  it('C10 needs connections:trust, in the own tenant', async () => {
    const [acme, bolt] = [await world.addCustomer(), await world.addCustomer()];
    expect((await order(acme, 'purge', undefined, 'connections:write')).status).toBe(403);
    const foreign = await bolt.client('connections:trust');
    expect((await foreign.post(`/connections/${acme.connectionId}/keys/ban`, { kid: 'k1' })).status).toBe(404);
    expect((await order(acme, 'ban', { kid: '' })).status).toBe(400);
  });
});
