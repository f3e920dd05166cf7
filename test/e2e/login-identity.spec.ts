import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SECOND } from '../../src/platform/clock.js';
import { type Customer, LoginWorld } from '../support/login-world.js';
import { seedGrants } from '../support/seed.js';

let world: LoginWorld;

beforeAll(async () => {
  world = await LoginWorld.start();
});
afterAll(() => world.stop());

const ADA = { preferred_username: 'ada', email: 'ada@acme.com', email_verified: true };
const LOGIN = { enabled: true, createUsers: true, subject: 'claims.sub', match: [], maxSessionSeconds: 43_200 };

const DOMAINS = { authoritativeDomains: ['acme.com'] };

/** Two connections of one tenant; both are authoritative for acme.com. */
async function twoConnections(more: object = DOMAINS, ofFirst: object = DOMAINS): Promise<[Customer, Customer]> {
  const roles = { allowPrivileged: true, allowedRoles: ['viewer', 'editor', 'admin'] };
  const first = await world.addCustomer({ ...roles, ...ofFirst });
  const second = world.idp.addRealm(LoginWorld.key);
  return [first, await world.connect(first.tenantId, second, more)];
}

describe('who is who', () => {
  it('E1 equal sub and equal e-mail from two connections are two users', async () => {
    const [first, second] = await twoConnections({});
    const one = await first.login(ADA);
    const two = await second.login(ADA);
    expect([one.status, two.status]).toEqual([200, 200]);
    expect(one.body.user.id).not.toBe(two.body.user.id);
  });

  it('E2 a verified e-mail of a domain that the connection is authoritative for joins the user', async () => {
    const [first, second] = await twoConnections();
    const one = await first.login(ADA);
    const two = await second.login(ADA);
    expect(two.body.user.id).toBe(one.body.user.id);
    expect(await first.rows()).toMatchObject({ users: 1, identities: 2 });
  });

  it('E2 nobody waits under another’s address: a connection that is authoritative for nothing proves none', async () => {
    const [anybody, acme] = await twoConnections(DOMAINS, { emailVerified: 'always' });
    const early = await anybody.login({ sub: 'mallory', email: ADA.email, email_verified: true });
    const late = await acme.login(ADA);
    expect([early.status, late.status]).toEqual([200, 200]);
    expect(late.body.user.id).not.toBe(early.body.user.id);
    expect(await acme.rows()).toMatchObject({ users: 2, identities: 2 });
  });

  it('E2 whoever was joined logs in through both connections at once, and stays one user', async () => {
    const [first, second] = await twoConnections();
    const { body } = await first.login(ADA);
    await second.login(ADA);
    const logins = await Promise.all([first.login(ADA), second.login(ADA), second.login(ADA), first.login(ADA)]);
    expect(logins.map((each) => [each.status, each.body.user.id])).toEqual(logins.map(() => [200, body.user.id]));
    expect(await first.rows()).toMatchObject({ users: 1, identities: 2 });
  });

  it.each<[string, object, object]>([
    ['an e-mail that is not verified', ADA, { ...ADA, email_verified: false }],
    ['an e-mail that says nothing of it', ADA, { ...ADA, email_verified: undefined }],
    ['"true" as a text', ADA, { ...ADA, email_verified: 'true' }],
    ['an address here that is not verified', { ...ADA, email_verified: false }, ADA],
    ['another domain', { ...ADA, email: 'ada@bolt.com' }, { ...ADA, email: 'ada@bolt.com' }],
    ['a domain below', { ...ADA, email: 'ada@x.acme.com' }, { ...ADA, email: 'ada@x.acme.com' }],
    ['a twin in another script', ADA, { ...ADA, email: 'аda@acme.com' }],
  ])('E2 nobody is joined by %s', async (_, there, here) => {
    const [first, second] = await twoConnections();
    const one = await first.login({ ...there });
    const two = await second.login({ ...here });
    expect(one.status).toBe(200);
    if (two.status === 200) expect(two.body.user.id).not.toBe(one.body.user.id);
    expect((await first.rows()).identities).toBe((await first.rows()).users);
  });

  it('E2 an admin is never joined', async () => {
    const [first, second] = await twoConnections();
    const one = await first.login(ADA);
    await seedGrants(world.rollcall, [{ tenantId: first.tenantId, userId: one.body.user.id, role: 'admin' }]);
    const two = await second.login(ADA);
    expect(two.status).toBe(200);
    expect(two.body.user.id).not.toBe(one.body.user.id);
  });

  it('E3 a name that a known person did not get is not claimed by a later token that says none', async () => {
    const acme = await world.addCustomer();
    const one = await acme.login({ sub: 'u-1', preferred_username: 'ada' });
    const two = await acme.login({ sub: 'u-2', preferred_username: 'bob' });
    expect((await acme.login({ sub: 'u-2', preferred_username: 'ada' })).status).toBe(200);
    const later = await acme.login({ sub: 'u-2', preferred_username: undefined });
    expect(later.body.user).toMatchObject({ id: two.body.user.id });
    expect(one.body.user.id).not.toBe(two.body.user.id);
  });

  it('E3 a changed e-mail keeps the user, and a taken user name is a conflict that merges nobody', async () => {
    const acme = await world.addCustomer();
    const one = await acme.login(ADA);
    const renamed = await acme.login({ ...ADA, email: 'countess@acme.com' });
    expect(renamed.body.user).toMatchObject({ id: one.body.user.id, email: 'countess@acme.com' });
    const thief = await acme.login({ ...ADA, sub: 'u-2' });
    expect([thief.status, thief.body.code]).toEqual([409, 'conflict']);
    expect(await acme.rows()).toMatchObject({ users: 1, identities: 1, sessions: 2 });
    const other = await acme.login({ sub: 'u-3', preferred_username: 'bob' });
    const grabbing = await acme.login({ sub: 'u-3', preferred_username: 'ADA' });
    expect(grabbing.body.user).toMatchObject({ id: other.body.user.id });
    expect(await acme.refusals()).toEqual(['user_name_taken']);
  });

  it('E1 sub is compared byte for byte: case, blanks and accents are other people', async () => {
    const acme = await world.addCustomer();
    const ids = new Set<string>();
    for (const sub of ['jose', 'josé', 'Jose', 'jose ']) {
      const answer = await acme.login({ sub, groups: [] });
      if (answer.status === 200) ids.add(answer.body.user.id);
    }
    expect(ids.size).toBeGreaterThanOrEqual(3);
    expect((await acme.rows()).users).toBe(ids.size);
  });

  it('E12 50 parallel first logins give one user, one identity and no 5xx', async () => {
    const acme = await world.addCustomer();
    const answers = await Promise.all(Array.from({ length: 50 }, () => acme.login(ADA)));
    expect([...new Set(answers.map(({ status }) => status))]).toEqual([200]);
    expect(new Set(answers.map(({ body }) => body.user.id)).size).toBe(1);
    expect(await acme.rows()).toEqual({ users: 1, identities: 1, sessions: 50, grants: 1 });
  });

  it('E12 pushes and first logins of the same people at once make each of them once', async () => {
    const acme = await world.addCustomer({
      login: { ...LOGIN, match: [{ claim: 'preferred_username', field: 'userName' }] },
    });
    const names = Array.from({ length: 20 }, (_, i) => `u-${i}`);
    const push = acme.push(names.map((name) => ({ externalId: `x-${name}`, userName: name })));
    const logins = names.map((name) => acme.login({ sub: name, preferred_username: name }));
    const statuses = (await Promise.all([push, ...logins])).map(({ status }) => status);
    expect(statuses.filter((status) => status >= 500)).toEqual([]);
    const again = await Promise.all(names.map((name) => acme.login({ sub: name, preferred_username: name })));
    expect(new Set(again.map(({ status }) => status))).toEqual(new Set([200]));
  });

  it('a first token finds the pushed person by login.match, and is bound to them for good', async () => {
    const acme = await world.addCustomer({ login: { ...LOGIN, match: [{ claim: 'oid', field: 'externalId' }] } });
    await acme.push([{ externalId: 'o-1', userName: 'ada' }]);
    const one = await acme.login({ sub: 's-1', oid: 'o-1' });
    expect(one.body.user.userName).toBe('ada');
    const thief = await acme.login({ sub: 's-2', oid: 'o-1' });
    expect(thief.status === 200 ? thief.body.user.id : null).not.toBe(one.body.user.id);
    expect((await acme.login({ sub: 's-1', oid: 'o-9' })).body.user.id).toBe(one.body.user.id);
  });
});

describe('off is off', () => {
  it('E11 a person whom a push switched off is refused, and the token neither reactivates nor doubles them', async () => {
    const acme = await world.addCustomer({ login: { ...LOGIN, match: [{ claim: 'sub', field: 'externalId' }] } });
    await acme.push([{ externalId: 'u-1', userName: 'ada', active: true }]);
    const open = await acme.login();
    expect(open.status).toBe(200);
    await acme.push([{ externalId: 'u-1', active: false }]);
    const before = await acme.rows();
    expect((await world.rollcall.http.as(open.body.access_token).get('/auth/me')).status).toBe(401);
    world.clock.pass(SECOND);
    const refused = await acme.login({ active: true });
    expect([refused.status, refused.body.code]).toEqual([401, 'login_refused']);
    expect(await acme.rows()).toEqual(before);
    expect(await acme.refusals()).toEqual(['identity_inactive']);
  });

  it('E11 a suspended user is refused, and a login of theirs is on their own page of the ledger', async () => {
    const acme = await world.addCustomer();
    const { body } = await acme.login();
    await world.rollcall.database.transaction((tx) =>
      tx.query('UPDATE users SET suspended = 1 WHERE id = ?', [body.user.id]),
    );
    expect((await acme.login()).status).toBe(401);
    expect(await acme.refusals()).toEqual(['user_suspended']);
  });

  it('G7 a token from before the switching off stays refused after the switching on; a newer one logs in', async () => {
    const acme = await world.addCustomer({ login: { ...LOGIN, match: [{ claim: 'sub', field: 'externalId' }] } });
    await acme.push([{ externalId: 'u-1', userName: 'ada' }]);
    const old = acme.token();
    const stolen = acme.token();
    expect((await world.login(old)).status).toBe(200);
    world.clock.pass(2 * SECOND);
    await acme.push([{ externalId: 'u-1', active: false }]);
    await acme.push([{ externalId: 'u-1', active: true }]);
    world.clock.pass(2 * SECOND);
    expect((await world.login(stolen)).status).toBe(401);
    expect((await acme.login()).status).toBe(200);
    expect(await acme.refusals()).toEqual(['token_superseded']);
  });

  it('G7 a token from before the deletion does not bring the person back; a newer one makes a new user', async () => {
    const acme = await world.addCustomer();
    const { body } = await acme.login();
    const stolen = acme.token();
    world.clock.pass(2 * SECOND);
    const users = await acme.client('users:read', 'users:write');
    const read = await users.get(`/users/${body.user.id}`);
    const removed = await users.delete(`/users/${body.user.id}`, { 'if-match': `"${String(read.body.version)}"` });
    expect(removed.status).toBeLessThan(300);
    world.clock.pass(2 * SECOND);
    expect((await world.login(stolen)).status).toBe(401);
    expect(await acme.refusals()).toEqual(['identity_deleted']);
    const fresh = await acme.login();
    expect(fresh.status).toBe(200);
    expect(fresh.body.user.id).not.toBe(body.user.id);
  });

  it('G7 a token from before the end of all sessions never logs in again', async () => {
    const acme = await world.addCustomer();
    const { body } = await acme.login();
    const stolen = acme.token();
    world.clock.pass(2 * SECOND);
    const admin = await acme.client('sessions:read', 'sessions:end');
    expect((await admin.post(`/users/${body.user.id}/end-sessions`)).status).toBeLessThan(300);
    world.clock.pass(2 * SECOND);
    expect((await world.login(stolen)).status).toBe(401);
    expect((await acme.login()).status).toBe(200);
  });
});
