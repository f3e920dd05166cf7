import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { MINUTE, SECOND } from '../../src/platform/clock.js';
import { EventEntity } from '../../src/ledger/event.entity.js';
import { DEFAULT_CATCH } from '../../src/plan/safety-catch.js';
import { RemovalCounts } from '../../src/provisioning/removal-counts.js';
import { ProvisioningService } from '../../src/provisioning/provisioning.service.js';
import { type Customer, LoginWorld } from '../support/login-world.js';
import { seedGrants } from '../support/seed.js';

let world: LoginWorld;

beforeAll(async () => {
  world = await LoginWorld.start();
});
afterAll(() => world.stop());

const NOTHING = { users: 0, identities: 0, sessions: 0, grants: 0 };
const LOGIN = { enabled: true, createUsers: true, subject: 'claims.sub', match: [], maxSessionSeconds: 43_200 };
const rolesOf = (token: string) => decodeJwt(token).roles;

describe('absent, empty and overage are three things (E6)', () => {
  it.each<[string, object, object, number, string[]]>([
    ['absent groups keep the role', {}, { groups: undefined }, 200, ['editor']],
    ['empty groups take it', {}, { groups: [] }, 200, []],
    ['overage by _claim_names keeps it', {}, { groups: undefined, _claim_names: { groups: 'src1' } }, 200, ['editor']],
    ['overage by hasgroups keeps it', {}, { groups: undefined, hasgroups: true }, 200, ['editor']],
    ['absent groups take it under clear', { whenAbsent: { groups: 'clear' } }, { groups: undefined }, 200, []],
    ['absent groups refuse under deny', { whenAbsent: { groups: 'deny' } }, { groups: undefined }, 401, ['editor']],
    [
      'overage refuses under deny',
      { whenOverage: { groups: 'deny' } },
      { groups: undefined, hasgroups: true },
      401,
      ['editor'],
    ],
    [
      'overage takes it under clear',
      { whenOverage: { groups: 'clear' } },
      { groups: undefined, hasgroups: true },
      200,
      [],
    ],
  ])('E6 %s', async (_, mapping, claims, status, roles) => {
    const acme = await world.addCustomer({ mapping });
    const first = await acme.login();
    expect(first.body.user.roles).toEqual(['editor']);
    const answer = await acme.login({ ...claims });
    expect(answer.status).toBe(status);
    const { body } = await (await acme.client('users:read')).get(`/users/${first.body.user.id}`);
    expect((body.roles as { key: string }[]).map(({ key }) => key)).toEqual(roles);
  });
});

describe('ceilings', () => {
  it('E7 a group that is named like a role grants nothing', async () => {
    const acme = await world.addCustomer({ allowPrivileged: true, allowedRoles: ['owner', 'admin', 'editor'] });
    const { body } = await acme.login({ groups: ['owner', 'admin', 'editor'], roles: ['owner'] });
    expect(body.user.roles).toEqual([]);
  });

  it('E7 a rule gives no privileged role without allowPrivileged, and none that is not allowed', async () => {
    const roles = [{ id: 'all', when: 'true', grant: ['admin', 'viewer', 'editor'] }];
    const acme = await world.addCustomer({ allowedRoles: ['admin', 'viewer'], mapping: { roles } });
    expect((await acme.login()).body.user.roles).toEqual(['viewer']);
  });

  it('G8 a session through a connection without allowPrivileged carries no privileged role, whoever gave it', async () => {
    const acme = await world.addCustomer();
    const { body } = await acme.login();
    await seedGrants(world.rollcall, [{ tenantId: acme.tenantId, userId: body.user.id, role: 'admin' }]);
    const again = await acme.login();
    expect(again.body.user).toMatchObject({ roles: ['editor'], withheld: ['admin'] });
    expect(rolesOf(again.body.access_token)).toEqual(['editor']);
    expect((await world.rollcall.http.as(again.body.access_token).get('/users')).status).toBe(403);
  });

  it('an entitlement outside the list is not given, and one within it is', async () => {
    const roles = [{ id: 'e', when: 'true', grant: ['viewer'], entitlements: ['report:1', 'bank:1'] }];
    const acme = await world.addCustomer({ mapping: { roles } });
    const { body } = await acme.login();
    const me = await world.rollcall.http.as(body.access_token).get('/auth/me');
    expect((me.body.entitlements as { key: string }[]).map(({ key }) => key)).toEqual(['report:1']);
  });
});

describe('strict', () => {
  it('E8 an unknown person whom no rule matches is told 403, and leaves nothing', async () => {
    const acme = await world.addCustomer({ mapping: { strict: true } });
    const answer = await acme.login({ groups: ['sales'] });
    expect([answer.status, answer.body.code]).toEqual([403, 'no_rule_matched']);
    expect(await acme.rows()).toEqual(NOTHING);
    expect(await acme.refusals()).toEqual(['no_rule_matched']);
  });

  it('E8 a known person loses what the connection gave, and the sessions, and keeps what an admin gave', async () => {
    const acme = await world.addCustomer({ mapping: { strict: true } });
    const { body } = await acme.login();
    await seedGrants(world.rollcall, [{ tenantId: acme.tenantId, userId: body.user.id, role: 'viewer' }]);
    const answer = await acme.login({ groups: ['sales'] });
    expect(answer.status).toBe(403);
    expect((await world.rollcall.http.as(body.access_token).get('/auth/me')).status).toBe(401);
    const read = await (await acme.client('users:read')).get(`/users/${body.user.id}`);
    expect((read.body.roles as { key: string }[]).map(({ key }) => key)).toEqual(['viewer']);
  });
});

describe('an expression that fails (E9)', () => {
  it('E9 refuses the login where it fails otherwise than by a missing claim, and changes nothing', async () => {
    const acme = await world.addCustomer({
      mapping: { roles: [{ id: 'r', when: 'claims.level > 5', grant: ['viewer'] }] },
    });
    expect((await acme.login({ level: 'high' })).status).toBe(401);
    expect(await acme.refusals()).toEqual(['rule_failed']);
    expect(await acme.rows()).toEqual(NOTHING);
    expect((await acme.login({ level: 6 })).body.user.roles).toEqual(['viewer']);
    expect((await acme.login({})).body.user.roles).toEqual(['viewer']);
    expect((await acme.login({ level: 1 })).body.user.roles).toEqual([]);
  });
});

describe('sources, blocks and times', () => {
  it('E5 a token takes back what its connection gave and nothing of an admin or another connection', async () => {
    const acme = await world.addCustomer({ authoritativeDomains: ['acme.com'] });
    const bolt = await world.connect(acme.tenantId, world.idp.addRealm(LoginWorld.key), {
      authoritativeDomains: ['acme.com'],
      mapping: { roles: [{ id: 'v', when: "'engineering' in claims.groups", grant: ['viewer'] }] },
    });
    const mail = { email: 'ada@acme.com', email_verified: true };
    const { body } = await acme.login(mail);
    await seedGrants(world.rollcall, [{ tenantId: acme.tenantId, userId: body.user.id, role: 'viewer' }]);
    const both = { id: body.user.id, roles: ['editor', 'viewer'] };
    expect((await bolt.login(mail)).body.user).toMatchObject(both);
    expect((await bolt.login({ ...mail, groups: [] })).body.user).toMatchObject(both);
    expect((await acme.login({ ...mail, groups: [] })).body.user.roles).toEqual(['viewer']);
  });

  it('E5 what a push has stated is not overruled by a token', async () => {
    const acme = await world.addCustomer({ login: { ...LOGIN, match: [{ claim: 'sub', field: 'externalId' }] } });
    await acme.push([{ externalId: 'u-1', displayName: 'Pushed', groups: ['sales'] }]);
    const { body } = await acme.login({ name: 'Token', groups: ['engineering'] });
    expect(body.user).toMatchObject({ displayName: 'Pushed', roles: [] });
  });

  it('a blocked role counts in no session, and a grant ends at its `until`', async () => {
    const acme = await world.addCustomer();
    const { body } = await acme.login();
    const until = world.clock.now() + 5 * MINUTE;
    await seedGrants(world.rollcall, [{ tenantId: acme.tenantId, userId: body.user.id, role: 'viewer', until }]);
    const admin = await acme.client('roles:grant', 'users:read', 'users:write', 'reports:write', 'reports:read');
    const blocked = await admin.put(`/users/${body.user.id}/blocks/roles/editor`, { reason: 'leave' });
    expect(blocked.status).toBeLessThan(300);
    expect((await acme.login()).body.user.roles).toEqual(['viewer']);
    world.clock.pass(6 * MINUTE);
    expect((await acme.login()).body.user.roles).toEqual([]);
  });

  it('a stale token logs in with what is stored', async () => {
    const acme = await world.addCustomer();
    const old = acme.token({ groups: ['engineering'], name: 'Old' });
    world.clock.pass(10 * SECOND);
    expect((await acme.login({ groups: [], name: 'New' })).status).toBe(200);
    expect((await world.login(old)).body.user).toMatchObject({ displayName: 'New', roles: [] });
  });
});

describe('an edited rule at refresh (E5)', () => {
  const refresh = (token: string) => world.rollcall.http.post('/auth/refresh', { refresh_token: token });

  it('E5 a refresh that comes before the re-plan gives the roles of the edited rule', async () => {
    const acme = await world.addCustomer();
    const { body } = await acme.login();
    await acme.save({ mapping: { roles: [{ id: 'eng', when: "'engineering' in claims.groups", grant: ['viewer'] }] } });
    const next = await refresh(body.refresh_token);
    expect(next.status).toBe(200);
    expect(rolesOf(String(next.body.access_token))).toEqual(['viewer']);
    const again = await refresh(String(next.body.refresh_token));
    expect(rolesOf(String(again.body.access_token))).toEqual(['viewer']);
  });

  it('E5 E8 a refresh under a rule that has become strict and does not match ends the session', async () => {
    const acme = await world.addCustomer();
    const { body } = await acme.login();
    await acme.save({
      mapping: { strict: true, roles: [{ id: 'x', when: "'x' in claims.groups", grant: ['viewer'] }] },
    });
    expect((await refresh(body.refresh_token)).status).toBe(401);
    expect((await world.rollcall.http.as(body.access_token).get('/auth/me')).status).toBe(401);
  });
});

describe('maxSessionSeconds', () => {
  it('refuses a sign-in that is older, leaves nothing of it, and explain says so', async () => {
    const acme = await world.addCustomer({ login: { ...LOGIN, maxSessionSeconds: 3600 } });
    const authTime = Math.floor(world.clock.now() / 1e6) - 3601;
    expect((await acme.login({ auth_time: authTime })).status).toBe(401);
    expect(await acme.refusals()).toEqual(['sign_in_too_old']);
    expect(await acme.rows()).toEqual(NOTHING);
    const http = await acme.client('connections:read');
    const path = `/connections/${acme.connectionId}/explain`;
    expect((await http.post(path, { token: acme.token({ auth_time: authTime }) })).body.ok).toBe(false);
  });

  it('bounds the session from the sign-in on, refresh included', async () => {
    const acme = await world.addCustomer({ login: { ...LOGIN, maxSessionSeconds: 3600 } });
    const { body } = await acme.login({ auth_time: Math.floor(world.clock.now() / 1e6) - 3000 });
    expect(body.expires_in).toBeLessThanOrEqual(600);
    world.clock.pass(11 * MINUTE);
    const next = await world.rollcall.http.post('/auth/refresh', { refresh_token: body.refresh_token });
    expect(next.status).toBe(401);
  });
});

describe('a connection that is changed while a token is on its way', () => {
  it('is asked again under what it says now, and the login follows the new rules', async () => {
    const acme = await world.addCustomer();
    await acme.login({ sub: 'warm' });
    await beforeNextWrite(acme, { mapping: { roles: [{ id: 'all', when: 'true', grant: ['viewer'] }] } });
    const answer = await acme.login();
    expect([answer.status, answer.body.user.roles]).toEqual([200, ['viewer']]);
  });

  it('refuses a token that the changed connection no longer believes, and leaves nothing of it', async () => {
    const acme = await world.addCustomer();
    await acme.login({ sub: 'warm' });
    const before = await acme.rows();
    await beforeNextWrite(acme, { audiences: ['another'] });
    expect((await acme.login()).status).toBe(401);
    expect(await acme.rows()).toEqual(before);
  });
});

/** Saves the connection when the next login has been checked and is about to be written. */
async function beforeNextWrite(acme: Customer, change: Parameters<Customer['save']>[0]): Promise<void> {
  const service = world.rollcall.app.get(ProvisioningService);
  const submit = service.submit.bind(service);
  service.submit = async (submission) => {
    service.submit = submit;
    await acme.save(change);
    return submit(submission);
  };
  return Promise.resolve();
}

describe('what logins take away', () => {
  it('is never held nor refused, and told once an hour when it is more than a run may take away by itself', async () => {
    const acme = await world.addCustomer({ safetyCatch: DEFAULT_CATCH });
    const subs = Array.from({ length: 6 }, (_, n) => `u-${n}`);
    for (const sub of subs) expect((await acme.login({ sub })).body.user.roles).toEqual(['editor']);
    const told = async () => {
      await world.rollcall.app.get(RemovalCounts).writeDown();
      const where = { tenantId: acme.tenantId, type: 'connection.removals_high' };
      return (await world.rollcall.database.read.findBy(EventEntity, where)).map(({ reason }) => reason);
    };
    const loseAll = async (sub: string) => {
      const { status, body } = await acme.login({ sub, groups: [] });
      expect([status, body.user.roles]).toEqual([200, []]);
    };
    for (const sub of subs.slice(0, 2)) await loseAll(sub);
    expect(await told()).toEqual([]);
    for (const sub of subs.slice(2)) await loseAll(sub);
    expect(await told()).toEqual([
      expect.stringMatching(/^0 switched off or deleted, 4 lost|^0 switched off or deleted, 6 lost/),
    ]);
    await loseAll('u-0');
    expect(await told()).toHaveLength(1);
  });
});
