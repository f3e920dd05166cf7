import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PullWorker } from '../../src/flows/sync/pull-worker.js';
import type { HttpClient } from '../support/http-client.js';
import { SCIMMY_TOKEN, type ScimmyServer, startScimmy } from '../support/scimmy-server.js';
import { seedCustomer, seedFullConnection } from '../support/seed-customer.js';
import { startApp, type TestApp } from '../support/start-app.js';

interface Run {
  status: string;
  counts: Record<string, number>;
  error: string | null;
}
interface User {
  userName: string;
  displayName: string;
  email: string | null;
  attributes: Record<string, unknown>;
  roles: { key: string; effective: boolean }[];
  identities: { externalId: string; active: boolean }[];
}

describe('people of a SCIM server that is not ours', () => {
  let rollcall: TestApp;
  let server: ScimmyServer;
  let http: HttpClient;
  let connectionId: string;
  beforeAll(async () => {
    [rollcall, server] = [await startApp(), await startScimmy()];
    const tenantId = await seedCustomer(rollcall);
    connectionId = await seedFullConnection(rollcall, tenantId, {
      safetyCatch: { users: 3, percent: 10, graceHours: 0 },
    });
    const permissions = ['connections:read', 'connections:trust', 'connections:write', 'users:sync', 'users:read'];
    http = await rollcall.clientWith(tenantId, [...permissions, 'sync-runs:read']);
    for (let each = 1; each <= 25; each++) server.users.push(userOf(each, new Date(Date.now() - 86_400_000)));
    const members = [{ value: 'id-1' }, { value: 'id-2' }];
    server.groups.push({ id: 'g-1', displayName: 'engineering', members });
  });
  afterAll(async () => {
    await rollcall.stop();
    await server.stop();
  });

  const userOf = (each: number, lastModified: Date) => ({
    id: `id-${each}`,
    userName: `user${each}@example.com`,
    displayName: `User ${each}`,
    title: `Title ${each}`,
    emails: [{ value: `user${each}@example.com`, primary: true }],
    active: each !== 3,
    meta: { created: lastModified, lastModified },
  });

  async function pull(full: boolean): Promise<Run> {
    const { status, body } = await http.post<{ run: string }>(`/connections/${connectionId}/sync`, { full });
    expect(status).toBe(202);
    await rollcall.app.get(PullWorker).lookRound();
    for (;;) {
      const run = (await http.get<Run>(`/sync-runs/${body.run}`)).body;
      if (run.status !== 'running') return run;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  async function findUsers(): Promise<Map<string, User>> {
    const { body } = await http.get<{ items: { id: string; userName: string }[] }>('/users?limit=200');
    const users = await Promise.all(body.items.map(({ id }) => http.get<User>(`/users/${id}`)));
    return new Map(users.map((each) => [each.body.userName, each.body]));
  }
  const activeOnes = async () =>
    [...(await findUsers()).values()].filter(({ identities }) => identities[0]?.active === true);
  const rolesOf = (user: User | undefined) => user?.roles.filter(({ effective }) => effective).map(({ key }) => key);

  it('become users, with the roles that their groups give them', async () => {
    const set = await http.put(`/connections/${connectionId}/source`, {
      type: 'scim',
      url: server.url,
      credential: { kind: 'bearer', token: SCIMMY_TOKEN },
      pageSize: 10,
    });
    expect(set.status).toBe(200);
    expect(await pull(true)).toMatchObject({ status: 'finished', counts: { created: 25 }, error: null });
    const users = await findUsers();
    expect(users.size).toBe(25);
    expect(users.get('user1@example.com')).toMatchObject({
      displayName: 'User 1',
      email: 'user1@example.com',
      attributes: { title: 'Title 1' },
      identities: [{ externalId: 'id-1', active: true }],
    });
    expect(users.get('user3@example.com')?.identities[0]?.active).toBe(false);
    expect([1, 2, 4].map((each) => rolesOf(users.get(`user${each}@example.com`)))).toEqual([
      ['editor'],
      ['editor'],
      [],
    ]);
  });

  it('are not written again where they say the same', async () => {
    expect(await pull(true)).toMatchObject({ status: 'finished', counts: { unchanged: 25 } });
  });

  it('are changed by what has changed there alone, and a group that changed reaches its members', async () => {
    const changed = { ...userOf(5, new Date()), displayName: 'Five', title: undefined };
    server.users[4] = changed as (typeof server.users)[number];
    expect(await pull(false)).toMatchObject({ status: 'finished', counts: { updated: 1 } });
    const five = (await findUsers()).get('user5@example.com');
    expect([five?.displayName, five?.attributes.title ?? null]).toEqual(['Five', null]);
    const [group] = server.groups;
    group?.members.shift();
    group?.members.push({ value: 'id-4' });
    const run = await pull(false);
    expect(run).toMatchObject({ status: 'finished', counts: { updated: 2 } });
    const users = await findUsers();
    expect([1, 2, 4].map((each) => rolesOf(users.get(`user${each}@example.com`)))).toEqual([
      [],
      ['editor'],
      ['editor'],
    ]);
  });

  it('are switched off when a reading of everything does not name them, and not by one of changes', async () => {
    server.users.splice(20, 2);
    expect((await pull(false)).counts.deactivated).toBe(0);
    expect(await activeOnes()).toHaveLength(24);
    expect(await pull(true)).toMatchObject({ status: 'finished', counts: { deactivated: 2 } });
    expect(await activeOnes()).toHaveLength(22);
    server.users.splice(10, 10);
    expect(await pull(true)).toMatchObject({ status: 'held', counts: { held: 10 } });
    expect(await activeOnes()).toHaveLength(22);
  });

  it('stay as they are where the server fails, and the run says why', async () => {
    await http.put(
      `/connections/${connectionId}/source`,
      { type: 'scim', url: `${server.url}/nowhere`, credential: { kind: 'bearer', token: SCIMMY_TOKEN } },
      { 'if-match': '*' },
    );
    const run = await pull(true);
    expect([run.status, run.error]).toEqual(['broken', expect.stringContaining('404')]);
    expect((await findUsers()).size).toBe(25);
  });
});
