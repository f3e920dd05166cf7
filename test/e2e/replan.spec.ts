import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/platform/ids.js';
import { LeaseEntity } from '../../src/platform/lease.entity.js';
import { ReplanService } from '../../src/provisioning/replan.service.js';
import type { ConnectionSettings } from '../../src/records/connections/connection-settings.js';
import { RoleEntity } from '../../src/records/roles/role.entity.js';
import { RunEntity } from '../../src/records/sync-runs/run.entity.js';
import { GrantEntity } from '../../src/records/users/grant.entity.js';
import { IdentityEntity } from '../../src/records/users/identity.entity.js';
import { UserEntity } from '../../src/records/users/user.entity.js';
import { etag } from '../support/connection-words.js';
import { directoryOf } from '../support/directory-of.js';
import type { HttpClient } from '../support/http-client.js';
import { type LoopbackIdp, startLoopbackIdp } from '../support/loopback-idp.js';
import { seedGrants } from '../support/seed.js';
import { seedCustomer, seedFullConnection } from '../support/seed-customer.js';
import { startApp, type TestApp } from '../support/start-app.js';

interface Preview extends Record<string, unknown> {
  people: number;
  changed: number;
  failed: number;
  gains: { held: string; people: number }[];
  losses: { held: string; people: number }[];
  users: { id: string; gains: string[]; losses: string[] }[];
  more: boolean;
}

const ALL = ['connections:read', 'connections:write', 'connections:trust', 'users:sync', 'sync-runs:read'];

let rollcall: TestApp;
let idp: LoopbackIdp;
let tenantId: string;
let admin: HttpClient;
beforeAll(async () => {
  rollcall = await startApp();
});
afterAll(async () => {
  await rollcall.stop();
});
afterEach(() => idp.stop());
beforeEach(async () => {
  // One each: what is known of an issuer's connections may be a second old.
  idp = await startLoopbackIdp();
  tenantId = await seedCustomer(rollcall);
  admin = await rollcall.clientWith(tenantId, [...ALL, 'roles:read', 'roles:write', 'reports:read', 'reports:write']);
});

const seed = (over: Parameters<typeof seedFullConnection>[2] = {}) => seedFullConnection(rollcall, tenantId, over);
const rule = (id: string, when: string, ...grant: string[]) => ({ id, when, grant });
const inGroup = (group: string) => `'${group}' in claims.groups`;

async function push(connection: string, users: object[]): Promise<void> {
  const answer = await admin.post<{ counts: Record<string, number> }>('/users/sync', { users, connection });
  expect(answer).toMatchObject({ status: 200, body: { counts: { failed: 0 } } });
}

/** People `p-0`, `p-1` …, of whom every second is in group `engineering` and the others in `sales`. */
function people(count: number, more: object = {}): object[] {
  return Array.from({ length: count }, (_, n) => ({
    externalId: `p-${n}`,
    userName: `p-${n}@example.com`,
    groups: [n % 2 === 0 ? 'engineering' : 'sales'],
    ...more,
  }));
}

/** What the dry run says, then the save and its run, and that the one has told of the other. */
async function saveAsPreviewed(id: string, patch: object): Promise<{ preview: Preview; run: Record<string, unknown> }> {
  const preview = await admin.post<Preview>(`/connections/${id}/dry-run`, patch);
  expect(preview.status).toBe(200);
  const before = await heldBy(id);
  const { body } = await admin.get(`/connections/${id}`);
  const saved = await admin.patch<{ replan: string }>(`/connections/${id}`, patch, etag(Number(body.version)));
  expect(saved.status).toBe(200);
  const run = await finish(saved.body.replan);
  const { people: all, changed, failed } = preview.body;
  expect(run.counts).toEqual({ changed, failed, unchanged: all - changed - failed });
  expect({ gains: preview.body.gains, losses: preview.body.losses }).toEqual(compare(before, await heldBy(id)));
  return { preview: preview.body, run };
}

async function finish(runId: string): Promise<Record<string, unknown>> {
  for (;;) {
    const { body } = await admin.get(`/sync-runs/${runId}`);
    if (body.status === 'finished') return body;
    await rollcall.app.get(ReplanService).workThrough();
  }
}

/** Users and what they hold of this connection, in the words of a preview; by user. */
async function heldBy(connectionId: string): Promise<Map<string, Set<string>>> {
  const grants = await rollcall.database.read.findBy(GrantEntity, { connectionId });
  const held = new Map<string, Set<string>>();
  for (const { userId, kind, heldKey } of grants) {
    held.set(userId, (held.get(userId) ?? new Set()).add(`${kind} ${heldKey}`));
  }
  return held;
}

function compare(before: Map<string, Set<string>>, after: Map<string, Set<string>>) {
  const counted = (from: Map<string, Set<string>>, to: Map<string, Set<string>>) => {
    const counts = new Map<string, number>();
    for (const [userId, words] of from) {
      for (const word of words) if (!to.get(userId)?.has(word)) counts.set(word, (counts.get(word) ?? 0) + 1);
    }
    return [...counts]
      .map(([held, number]) => ({ held, people: number }))
      .sort((a, b) => b.people - a.people || (a.held < b.held ? -1 : 1));
  };
  return { gains: counted(after, before), losses: counted(before, after) };
}

const userOf = async (connectionId: string, externalId: string) => {
  const identity = await rollcall.database.read.findOneByOrFail(IdentityEntity, { connectionId, externalId });
  return rollcall.database.read.findOneByOrFail(UserEntity, { id: identity.userId });
};

describe('a re-plan', () => {
  it('takes and gives roles of thousands who never log in, as the dry run said', async () => {
    const id = await seed();
    const other = await seed();
    await push(id, people(3200, { roles: ['viewer'] }));
    await push(other, people(10));
    const { id: ada } = await userOf(id, 'p-0');
    await seedGrants(rollcall, [{ tenantId, userId: ada, role: 'editor' }]);
    const elsewhere = await directoryOf(rollcall.database.read, other);
    const mapping = { roles: [rule('sal', inGroup('sales'), 'editor')] };
    const { preview, run } = await saveAsPreviewed(id, { mapping });
    expect(preview).toMatchObject({
      people: 3200,
      changed: 3200,
      failed: 0,
      gains: [{ held: 'role editor', people: 1600 }],
      losses: [{ held: 'role editor', people: 1600 }],
      more: true,
    });
    expect(preview.users).toHaveLength(200);
    expect(run).toMatchObject({ kind: 'replan', mappingVersion: 2, connection: id });
    expect(await directoryOf(rollcall.database.read, id)).toEqual(
      Array.from({ length: 3200 }, (_, n) => {
        const roles = n % 2 === 0 ? 'viewer direct' : 'editor sal, viewer direct';
        return `p-${n} p-${n}@example.com 1 ${roles}`;
      }).sort(),
    );
    const left = await rollcall.database.read.findBy(GrantEntity, { userId: ada, heldKey: 'editor' });
    expect(left.map(({ sourceId }) => sourceId)).toEqual(['admin']);
    expect(await directoryOf(rollcall.database.read, other)).toEqual(elsewhere);
    expect(await rollcall.database.read.countBy(IdentityEntity, { connectionId: id, mappingVersion: 2 })).toBe(3200);
  }, 60_000);

  it('takes what a lowered ceiling holds back, and gives it again with a raised one', async () => {
    const id = await seed({ mapping: { ...mappingOf(), roles: [] } });
    await push(id, people(4, { roles: ['viewer', 'editor'], entitlements: ['report:1'] }));
    const { preview } = await saveAsPreviewed(id, { allowedRoles: ['viewer'], allowedEntitlements: [] });
    expect(preview).toMatchObject({
      changed: 4,
      gains: [],
      losses: expect.arrayContaining([{ held: 'role editor', people: 4 }]),
    });
    const raised = await saveAsPreviewed(id, { allowedRoles: ['viewer', 'editor'], allowedEntitlements: ['report:*'] });
    expect(raised.preview).toMatchObject({
      changed: 4,
      losses: [],
      gains: expect.arrayContaining([{ held: 'entitlement report:1', people: 4 }]),
    });
  });

  it('lets the other voice count when the authority is changed', async () => {
    const id = await seed({
      ...idp.trust,
      login: { ...LOGIN, match: [{ claim: 'preferred_username', field: 'userName' }] },
    });
    await push(id, people(2, { displayName: 'By push' }));
    const login = await rollcall.http.post('/auth/login', {
      token: idp.token({ sub: 's-0', preferred_username: 'p-0@example.com', name: 'By token', groups: ['sales'] }),
      connection: id,
    });
    expect(login).toMatchObject({ status: 200, body: { user: { displayName: 'By push', roles: ['editor'] } } });
    const { preview } = await saveAsPreviewed(id, { authority: 'token-first' });
    expect(preview).toMatchObject({ people: 2, changed: 1, losses: [{ held: 'role editor', people: 1 }] });
    expect((await userOf(id, 'p-0')).displayName).toBe('By token');
    expect((await userOf(id, 'p-1')).displayName).toBe('By push');
  });

  it('takes a role that was made privileged from people of a connection that may not give it', async () => {
    const id = await seed();
    const trusted = await seed({ allowPrivileged: true });
    await push(id, people(6));
    await push(trusted, people(6));
    const role = await rollcall.database.read.findOneByOrFail(RoleEntity, { tenantId, key: 'editor' });
    const saved = await admin.patch(`/roles/${role.id}`, { privileged: true }, etag(role.version));
    expect([saved.status, saved.body.privileged]).toEqual([200, true]);
    const runs = await rollcall.database.read.findBy(RunEntity, { tenantId, kind: 'replan' });
    for (const run of runs) await finish(run.id);
    expect((await heldBy(id)).size).toBe(0);
    expect((await heldBy(trusted)).size).toBe(3);
  });

  it('leaves the one person for whom a rule fails as they are, and nobody else', async () => {
    const id = await seed();
    await push(id, people(5));
    await push(id, [{ externalId: 'odd', userName: 'odd', groups: [], roles: ['viewer'] }]);
    const mapping = { roles: [rule('top', `claims.groups[0] == 'sales'`, 'editor')] };
    const { preview } = await saveAsPreviewed(id, { mapping });
    expect(preview).toMatchObject({ people: 6, changed: 5, failed: 1 });
    expect((await directoryOf(rollcall.database.read, id)).filter((line) => line.startsWith('odd'))).toEqual([
      'odd odd 1 viewer direct',
    ]);
  });

  it('leaves the last owner their role, takes it from the others, and says so before', async () => {
    const roles = [rule('own', inGroup('engineering'), 'owner'), rule('all', 'true', 'viewer')];
    const over = { allowPrivileged: true, allowedRoles: ['owner', 'viewer'], mapping: { ...mappingOf(), roles } };
    const id = await seed(over as Partial<ConnectionSettings>);
    const owner = await rollcall.clientWith(tenantId, [...ALL, 'users:write', 'reports:read']);
    await push(id, people(6));
    admin = owner;
    const { preview } = await saveAsPreviewed(id, { mapping: { roles: [] }, allowedRoles: ['viewer'] });
    expect(preview).toMatchObject({ people: 6, changed: 5, failed: 1 });
    const owners = await rollcall.database.read.findBy(GrantEntity, { tenantId, heldKey: 'owner' });
    expect(owners).toHaveLength(1);
  });

  it('is no reason to wait: a login that comes first plans its user first', async () => {
    const id = await seed({
      ...idp.trust,
      login: { ...LOGIN, match: [{ claim: 'preferred_username', field: 'userName' }] },
    });
    await push(id, people(8));
    // As if another instance had just begun and were slow.
    const name = `replan:${id}`;
    await rollcall.database.transaction((tx) => tx.insert(LeaseEntity, { name, holder: newId(), until: 4e15 }));
    const mapping = { roles: [rule('sal', inGroup('sales'), 'editor')] };
    const saved = await admin.patch<{ replan: string }>(`/connections/${id}`, { mapping }, etag(1));
    const login = (n: number) =>
      rollcall.http.post('/auth/login', {
        token: idp.token({ sub: `s-${n}`, preferred_username: `p-${n}@example.com` }),
        connection: id,
      });
    expect((await login(0)).body).toMatchObject({ user: { roles: [] } });
    expect((await login(1)).body).toMatchObject({ user: { roles: ['editor'] } });
    expect(await rollcall.database.read.countBy(IdentityEntity, { connectionId: id, mappingVersion: 1 })).toBe(6);
    await rollcall.database.transaction((tx) => tx.update(LeaseEntity, { name }, { until: 0 }));
    expect((await finish(saved.body.replan)).counts).toEqual({ changed: 6, unchanged: 0, failed: 0 });
  });

  it('of several saves in a row ends at the last, with every run finished', async () => {
    const id = await seed();
    await push(id, people(700));
    const runs: string[] = [];
    for (const [version, group] of ['sales', 'engineering', 'sales'].entries()) {
      const mapping = { roles: [rule('r', inGroup(group), 'editor')] };
      runs.push(
        (await admin.patch<{ replan: string }>(`/connections/${id}`, { mapping }, etag(version + 1))).body.replan,
      );
    }
    for (const run of runs) await finish(run);
    expect(await rollcall.database.read.countBy(IdentityEntity, { connectionId: id, mappingVersion: 4 })).toBe(700);
    const sellers = (await directoryOf(rollcall.database.read, id)).filter((line) => line.endsWith('editor r'));
    expect(sellers.map((line) => Number(/\d+/.exec(line)?.[0]) % 2)).toEqual(Array.from({ length: 350 }, () => 1));
  });

  it('leaves nobody behind whom a push writes while the mapping is saved', async () => {
    const id = await seed();
    const pushing = push(id, people(4000));
    let version = 1;
    for (const group of ['sales', 'engineering', 'sales']) {
      const mapping = { roles: [rule('r', inGroup(group), 'editor')] };
      const saved = await admin.patch<{ version: number }>(`/connections/${id}`, { mapping }, etag(version));
      expect(saved.status).toBe(200);
      version = saved.body.version;
    }
    await pushing;
    for (const run of await rollcall.database.read.findBy(RunEntity, { connectionId: id, kind: 'replan' })) {
      await finish(run.id);
    }
    expect(await rollcall.database.read.countBy(IdentityEntity, { connectionId: id, mappingVersion: 4 })).toBe(4000);
    expect((await heldBy(id)).size).toBe(2000);
  }, 60_000);
});

const LOGIN = { enabled: true, createUsers: true, subject: 'claims.sub', maxSessionSeconds: 43_200 };

function mappingOf() {
  return {
    userName: 'claims.preferred_username',
    email: 'claims.email',
    displayName: 'claims.name',
    groups: 'claims.groups',
    groupKey: 'displayName' as const,
    payloadClaim: null,
    strict: false,
    whenAbsent: 'keep' as const,
    whenOverage: 'keep' as const,
  };
}
