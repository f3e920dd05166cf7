import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createKey } from '../../src/records/api-keys/key-format.js';
import { createAdmin } from '../../src/records/local-admins/admin-commands.js';
import { LocalAdminsService } from '../../src/records/local-admins/local-admins.service.js';
import { ApiKeyEntity } from '../../src/records/api-keys/api-key.entity.js';
import { newId } from '../../src/platform/ids.js';
import { NestLogger } from '../../src/platform/logging.js';
import { type Customer, LoginWorld } from '../support/login-world.js';
import { makeIdpKey } from '../support/signed-tokens.js';
import { eventsOf } from '../support/stored.js';

let world: LoginWorld;

beforeAll(async () => {
  world = await LoginWorld.start();
});
afterAll(() => world.stop());

async function typesOf(subjectId: string): Promise<string[]> {
  return (await eventsOf(world.rollcall, subjectId)).map((event) => String(event.type));
}

describe('a login with the token of an IdP', () => {
  it('makes the user, roles, session and events of a person who was never seen', async () => {
    const acme = await world.addCustomer();
    const answer = await acme.login({
      preferred_username: 'ada@example.com',
      name: 'Ada Lovelace',
      email: 'ada@example.com',
      email_verified: true,
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.body).toEqual({
      access_token: expect.any(String),
      refresh_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: expect.any(Number),
      user: {
        id: expect.any(String),
        tenant: acme.tenantId,
        userName: 'ada@example.com',
        displayName: 'Ada Lovelace',
        email: 'ada@example.com',
        roles: ['editor'],
        withheld: [],
      },
    });
    expect(answer.body.expires_in).toBeGreaterThan(0);
    expect(answer.body.expires_in).toBeLessThanOrEqual(900);
    expect(await acme.rows()).toEqual({ users: 1, identities: 1, sessions: 1, grants: 1 });
    const users = await acme.client('users:read');
    const { body } = await users.get(`/users/${answer.body.user.id}`);
    expect(body.identities).toMatchObject([{ connection: acme.connectionId, subject: 'u-1', active: true }]);
    expect(body.roles).toMatchObject([
      { key: 'editor', effective: true, grants: [{ source: { connection: acme.connectionId, rule: 'eng' } }] },
    ]);
    expect(await typesOf(answer.body.user.id)).toEqual(['login.succeeded', 'user.created']);
  });

  it('knows a returning person, follows their claims, and opens a session of its own', async () => {
    const acme = await world.addCustomer();
    const first = await acme.login({ name: 'Ada' });
    const second = await acme.login({ name: 'Ada L.', groups: ['sales'] });
    expect(second.status).toBe(200);
    expect(second.body.user).toMatchObject({ id: first.body.user.id, displayName: 'Ada L.', roles: [] });
    expect(await acme.rows()).toEqual({ users: 1, identities: 1, sessions: 2, grants: 0 });
  });

  it('believes RS256, PS256, ES256 and EdDSA', async () => {
    for (const alg of ['RS256', 'PS256', 'ES256', 'EdDSA']) {
      const acme = await world.addCustomer({ algorithms: [alg] }, makeIdpKey(alg, `kid-${alg}`));
      const answer = await acme.login();
      expect([alg, answer.status]).toEqual([alg, 200]);
    }
  });

  it('takes the token as a bearer credential as well, with and without a body', async () => {
    const acme = await world.addCustomer();
    const bare = await world.rollcall.http.as(acme.token()).post('/auth/login');
    expect(bare.status).toBe(200);
    const withBody = await world.rollcall.http.as(acme.token()).post('/auth/login', { connection: acme.connectionId });
    expect(withBody.status).toBe(200);
  });

  it('refuses none, two or half credentials, and unknown members, with a pointer', async () => {
    const acme = await world.addCustomer();
    const token = acme.token();
    for (const body of [
      {},
      { token, apiKey: 'rc_x' },
      { password: 'x' },
      { token, more: 1 },
      { token: 7 },
      { token: [token] },
    ]) {
      const answer = await world.rollcall.http.post('/auth/login', body);
      expect([JSON.stringify(body).slice(0, 20), answer.status]).toEqual([JSON.stringify(body).slice(0, 20), 400]);
      expect(answer.body.faults).not.toEqual([]);
    }
  });

  it('answers with an access token that an application checks offline against the published keys', async () => {
    const acme = await world.addCustomer();
    const { body } = await acme.login({ auth_time: Math.floor(Date.now() / 1000) - 60, amr: ['pwd', 'mfa'] });
    const published = await world.rollcall.http.get('/.well-known/jwks.json');
    const keys = createLocalJWKSet(published.body as unknown as JSONWebKeySet);
    const { payload, protectedHeader } = await jwtVerify(body.access_token, keys, { typ: 'at+jwt' });
    expect(protectedHeader.alg).toBe('ES256');
    expect(payload).toMatchObject({ sub: body.user.id, tid: acme.tenantId, roles: ['editor'], amr: ['pwd', 'mfa'] });
    expect(payload).not.toHaveProperty('permissions');
  });

  it('is followed by refresh, who am I, and logout', async () => {
    const acme = await world.addCustomer();
    const { body } = await acme.login();
    const me = await world.rollcall.http.as(body.access_token).get('/auth/me');
    expect(me.body).toMatchObject({ user: { id: body.user.id }, tenant: acme.tenantId, roles: [{ key: 'editor' }] });
    const next = await world.rollcall.http.post('/auth/refresh', { refresh_token: body.refresh_token });
    expect(next.status).toBe(200);
    const out = await world.rollcall.http.as(String(next.body.access_token)).post('/auth/logout');
    expect(out.status).toBeLessThan(300);
    expect((await world.rollcall.http.as(body.access_token).get('/auth/me')).status).toBe(401);
    const again = await world.rollcall.http.post('/auth/refresh', { refresh_token: next.body.refresh_token });
    expect(again.status).toBe(401);
  });

  it('is for the application that it names, and for none that the tenant has not', async () => {
    const acme = await world.addCustomer();
    const foreign = await acme.login({}, { application: 'nowhere' });
    expect(foreign.status).toBe(401);
    expect(await acme.refusals()).toEqual(['application_unknown']);
    expect(await acme.rows()).toEqual({ users: 0, identities: 0, sessions: 0, grants: 0 });
  });
});

describe('a login with a password', () => {
  it('lets a local admin in while the IdP is down, and answers a wrong word and an unknown name alike', async () => {
    const acme = await world.addCustomer();
    acme.realm.answer = (response) => void response.destroy();
    const parts = { database: world.rollcall.database, admins: world.rollcall.app.get(LocalAdminsService) };
    const link = await createAdmin(parts, { tenant: acme.slug, userName: 'root@acme.com' });
    const password = 'correct horse battery';
    const { http } = world.rollcall;
    expect((await http.post('/setup', { token: link.split('#token=')[1], password })).status).toBe(201);
    const login = (userName: string, word: string) =>
      http.post('/auth/login', { tenant: acme.slug, userName, password: word });
    const good = await login('root@acme.com', password);
    expect(good.status).toBe(200);
    const me = await http.as(String(good.body.access_token)).get('/auth/me');
    expect(me.body).toMatchObject({ tenant: acme.tenantId, user: { userName: 'root@acme.com' } });
    const [wrong, unknown] = [await login('root@acme.com', 'wrong'), await login('nobody', password)];
    expect([wrong.status, { ...wrong.body, requestId: '' }]).toEqual([401, { ...unknown.body, requestId: '' }]);
    expect(unknown.status).toBe(401);
    expect(await acme.refusals()).toHaveLength(2);
    expect((await http.post('/auth/login', { password })).body.faults).toHaveLength(2);
  });

  it('whose refusal is logged can be found by the id of its request, and its tenant where that is known', async () => {
    const acme = await world.addCustomer();
    const log = jest.spyOn(NestLogger.prototype, 'log');
    const credential = { tenant: acme.slug, userName: 'nobody', password: 'wrong-password' };
    const answer = await world.rollcall.http.post('/auth/login', credential);
    const [line] = log.mock.calls.filter(([, context]) => context === 'Login');
    log.mockRestore();
    expect(answer.body.code).toBe('login_refused');
    expect(line?.[0]).toEqual({
      message: 'refused: unknown_user',
      requestId: answer.headers.get('x-request-id'),
      tenant: acme.tenantId,
    });
  });
});

describe('a login with an API key', () => {
  async function keyOf(acme: Customer, change: { revokedAt?: number; expiresAt?: number } = {}): Promise<string> {
    const { key, keyId, secretHash } = createKey();
    await world.rollcall.database.transaction((tx) =>
      tx.insert(ApiKeyEntity, {
        id: newId(),
        tenantId: acme.tenantId,
        keyId,
        secretHash,
        name: 'machine',
        scopes: ['users:sync'],
        connectionId: acme.connectionId,
        expiresAt: null,
        revokedAt: null,
        lastUsedAt: null,
        operatorOf: null,
        createdBy: newId(),
        createdAt: world.clock.now(),
        ...change,
      }),
    );
    return key;
  }

  it('gives a short token with the scopes and the connection of the key, and nothing to refresh', async () => {
    const acme = await world.addCustomer();
    const answer = await world.rollcall.http.post('/auth/login', { apiKey: await keyOf(acme) });
    expect(answer.status).toBe(200);
    expect(answer.body).not.toHaveProperty('refresh_token');
    const machine = world.rollcall.http.as(String(answer.body.access_token));
    const pushed = await machine.post('/users/sync', { externalId: 'u-7', userName: 'bob' });
    expect(pushed.status).toBe(200);
    expect(pushed.body.results).toMatchObject([{ result: 'created' }]);
    expect((await machine.get('/users')).status).toBe(403);
  });

  it('refuses keys that are unknown, revoked or expired in one and the same way', async () => {
    const acme = await world.addCustomer();
    const now = world.clock.now();
    const keys = [
      createKey().key,
      await keyOf(acme, { revokedAt: now - 1 }),
      await keyOf(acme, { expiresAt: now - 1 }),
      'rc_nonsense',
    ];
    for (const apiKey of keys) {
      const answer = await world.rollcall.http.post('/auth/login', { apiKey });
      expect([answer.status, answer.body.code]).toEqual([401, 'login_refused']);
    }
  });
});
