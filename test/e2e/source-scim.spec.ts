import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ScimSource } from '../../src/flows/sync/sources/scim-source.js';
import { SourceClient } from '../../src/flows/sync/sources/source-client.js';
import type { ConnectionPolicy } from '../../src/plan/policy.js';
import type { Outbound } from '../../src/platform/outbound.js';
import type { ScimSourceSettings } from '../../src/records/sources/source-settings.js';
import { failureOf, loopbackOutbound, readAll } from '../support/read-source.js';
import { createUser, makeScimWorld } from '../support/scim-world.js';
import { SCIMMY_TOKEN, type ScimmyServer, startScimmy } from '../support/scimmy-server.js';
import { startApp, type TestApp } from '../support/start-app.js';

const policy = {
  mapping: { groupKey: 'displayName' },
  roles: new Map([['editor', { privileged: false }]]),
  allowedRoles: new Set(['editor']),
  allowedEntitlements: [],
  allowPrivileged: false,
} as unknown as ConnectionPolicy;

const outbounds: Outbound[] = [];
afterAll(async () => {
  for (const outbound of outbounds) await outbound.onApplicationShutdown();
});

function sourceOf(
  url: string,
  token: string,
  settings: Partial<ScimSourceSettings> = {},
  groupKey: 'displayName' | 'externalId' = 'displayName',
): ScimSource {
  const outbound = loopbackOutbound();
  outbounds.push(outbound);
  const all = {
    type: 'scim',
    url,
    paging: 'auto',
    pageSize: 30,
    externalId: 'id',
    groups: 'list',
    ...settings,
  } as const;
  return new ScimSource(new SourceClient(outbound, url, { kind: 'bearer', token }), all, {
    findPolicy: () => Promise.resolve({ ...policy, mapping: { ...policy.mapping, groupKey } }),
    now: () => Date.now() * 1000,
  });
}

describe('a SCIM server that is not ours', () => {
  let server: ScimmyServer;
  beforeAll(async () => {
    server = await startScimmy();
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    const hour = 3_600_000;
    const at = (when: number) => ({ created: new Date(Date.now() - 48 * hour), lastModified: new Date(when) });
    server.users.length = 0;
    for (let each = 1; each <= 120; each++) {
      server.users.push({ id: `id-${each}`, userName: `user${each}`, meta: at(Date.now() - 24 * hour) });
    }
    server.groups.length = 0;
    server.asked.length = 0;
  });
  const source = (settings?: Partial<ScimSourceSettings>) => sourceOf(server.url, SCIMMY_TOKEN, settings);
  const idsOf = (records: unknown[]) => records.map((each) => (each as { externalId: string }).externalId);
  const changeUser = (id: string, change: object): void => {
    const user = server.users.find((each) => each.id === id);
    if (user) Object.assign(user, change, { meta: { created: new Date(), lastModified: new Date() } });
  };

  it('its users are read by index, each once, with the credential', async () => {
    const { records, last } = await readAll(source());
    expect(idsOf(records)).toEqual(server.users.map(({ id }) => id));
    expect(last.incomplete).toBeUndefined();
    expect(server.asked.every(({ headers }) => headers.authorization === `Bearer ${SCIMMY_TOKEN}`)).toBe(true);
  });

  it('what a user is becomes a record; what others show and this one lacks is stated to be empty', async () => {
    server.users.length = 0;
    server.users.push(
      {
        id: 'a',
        userName: 'ada',
        displayName: 'Ada L.',
        active: false,
        title: 'Countess',
        name: { givenName: 'Ada', familyName: 'Lovelace' },
        emails: [{ value: 'home@example.com' }, { value: 'ada@example.com', primary: true }],
        roles: [{ value: 'editor' }, { value: 'owner' }],
      },
      { id: 'b', userName: 'bob' },
    );
    const { records, last } = await readAll(source());
    expect(records[0]).toEqual({
      externalId: 'a',
      userName: 'ada',
      displayName: 'Ada L.',
      name: { givenName: 'Ada', familyName: 'Lovelace' },
      email: 'ada@example.com',
      emailVerified: null,
      active: false,
      roles: ['editor'],
      attributes: {
        title: 'Countess',
        emails: ['home@example.com', 'ada@example.com'],
        scimRoles: ['editor', 'owner'],
      },
    });
    expect(records[1]).toEqual({
      externalId: 'b',
      userName: 'bob',
      displayName: null,
      name: { givenName: null, familyName: null },
      email: null,
      roles: null,
      attributes: { title: null, emails: null, scimRoles: null },
    });
    // The next reading knows from its beginning what the source shows.
    server.users.reverse();
    expect((await readAll(source(), 'full', last.place)).records[0]).toEqual(records[1]);
  });

  it('groups become the groups of their members, groups within groups too; who is in none is in none', async () => {
    server.groups.push(
      { id: 'g-1', displayName: 'Engineering', members: [{ value: 'id-1' }, { value: 'g-2', type: 'Group' }] },
      { id: 'g-2', displayName: 'Backend', members: [{ value: 'id-2' }, { value: 'g-1', type: 'Group' }] },
      { id: 'g-3', displayName: 'Nobody', members: [] },
    );
    const { records } = await readAll(source());
    const groups = (records as { externalId: string; groups: string[] }[]).map((each) => each.groups);
    expect(groups.slice(0, 3)).toEqual([['Backend', 'Engineering'], ['Backend', 'Engineering'], []]);
    expect((await readAll(source({ groups: 'none' }))).records[0]).not.toHaveProperty('groups');
  });

  it('without any group, groups are not spoken of, so that tokens may; once there were some, they are', async () => {
    const first = await readAll(source());
    expect(first.records[0]).not.toHaveProperty('groups');
    server.groups.push({ id: 'g-1', displayName: 'Ops', members: [{ value: 'id-1' }] });
    const second = await readAll(source(), 'full', first.last.place);
    expect(second.records[1]).toMatchObject({ groups: [] });
    server.groups.length = 0;
    expect((await readAll(source(), 'full', second.last.place)).records[0]).toMatchObject({ groups: [] });
  });

  it('changes are asked for by when they were made: who changed, and a little of what came before', async () => {
    const first = await readAll(source(), 'changes');
    expect(first.records).toHaveLength(120);
    changeUser('id-7', { displayName: 'Seven' });
    server.users.push({ id: 'id-new', userName: 'new', meta: { created: new Date(), lastModified: new Date() } });
    const second = await readAll(source(), 'changes', first.last.place);
    // Those of a day ago were all changed in the overlap before the newest.
    const third = await readAll(source(), 'changes', second.last.place);
    expect(idsOf(third.records)).toEqual(['id-7', 'id-new']);
    changeUser('id-9', {});
    expect(idsOf((await readAll(source(), 'changes', third.last.place)).records)).toEqual(['id-7', 'id-9', 'id-new']);
    expect(decodeURIComponent(server.asked.at(-1)?.url ?? '')).toContain('filter=meta.lastModified+ge+"20');
  });

  it('a changed group makes everybody be read, since no user is dated by it', async () => {
    server.groups.push({ id: 'g-1', displayName: 'Ops', members: [{ value: 'id-1' }] });
    changeUser('id-1', {});
    const first = await readAll(source());
    expect((await readAll(source(), 'changes', first.last.place)).records).toHaveLength(1);
    server.groups[0]?.members.push({ value: 'id-5' });
    const second = await readAll(source(), 'changes', first.last.place);
    expect(second.records).toHaveLength(120);
    expect(second.records[4]).toMatchObject({ groups: ['Ops'] });
    expect((await readAll(source(), 'changes', second.last.place)).records).toHaveLength(1);
  });

  it('a reading that was cut off goes on where it was', async () => {
    const { pages } = await readAll(source());
    const cut = pages[2]?.place;
    const rest = await readAll(source(), 'full', cut);
    const before = pages.slice(0, 3).flatMap(({ records }) => records.length);
    expect(idsOf(rest.records)).toEqual(
      server.users.slice(before.reduce((sum, each) => sum + each)).map(({ id }) => id),
    );
  });

  it('people who go while it is read push nobody past the reader', async () => {
    const seen = new Set<string>();
    let page = 0;
    for await (const { records } of source().read({ state: null, page: null }, 'full', new AbortController().signal)) {
      for (const id of idsOf(records.map((each) => JSON.parse(String(each)) as unknown))) seen.add(id);
      // Thirty who were read already go; thirty others would move into the pages that were read.
      if (page++ === 1) server.users.splice(10, 30);
    }
    expect(server.users.filter(({ id }) => !seen.has(id))).toEqual([]);
  });

  it('a wrong token is told as such, and a wrong address too', async () => {
    expect((await failureOf(sourceOf(server.url, 'wrong'))).kind).toBe('unauthorized');
    expect((await failureOf(sourceOf(server.url.replace('/scim/v2', '/nowhere'), SCIMMY_TOKEN))).kind).toBe('invalid');
  });
});

describe('a SCIM server with cursors: a Rollcall', () => {
  let rollcall: TestApp;
  beforeAll(async () => {
    rollcall = await startApp();
  });
  afterAll(() => rollcall.stop());

  it('its users are read by cursor, with their groups, and later what changed', async () => {
    const { scim } = await makeScimWorld(rollcall);
    const users = [];
    for (let each = 1; each <= 45; each++) {
      users.push(await createUser(scim, `ada${each}@example.com`, { externalId: `x-${each}`, title: `T${each}` }));
    }
    const group = await scim.post<{ id: string }>('/scim/v2/Groups', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      displayName: 'Engineering',
      externalId: 'g-77',
      members: users.slice(0, 3).map(({ id }) => ({ value: id })),
    });
    expect(group.status).toBe(201);
    const key = scim.credential ?? '';
    const url = `${rollcall.url}/scim/v2`;
    const { records, last, pages } = await readAll(sourceOf(url, key, { pageSize: 10 }));
    expect(pages.filter((page) => page.records.length > 0)).toHaveLength(5);
    expect((records as { externalId: string }[]).map((each) => each.externalId)).toEqual(users.map(({ id }) => id));
    expect(records[0]).toMatchObject({
      userName: 'ada1@example.com',
      groups: ['Engineering'],
      attributes: { title: 'T1' },
    });
    const byExternalId = sourceOf(url, key, { externalId: 'externalId', groups: 'users' }, 'displayName');
    expect((await readAll(byExternalId)).records[2]).toMatchObject({ externalId: 'x-3', groups: ['Engineering'] });
    expect((await readAll(sourceOf(url, key, {}, 'externalId'))).records[0]).toMatchObject({ groups: ['g-77'] });
    expect((await readAll(sourceOf(url, key, { paging: 'index', pageSize: 10 }))).records).toHaveLength(45);
    expect((await readAll(sourceOf(url, key), 'changes', last.place)).records.length).toBeLessThanOrEqual(45);
    const cut = pages.filter(({ records: some }) => some.length > 0)[2]?.place;
    expect((await readAll(sourceOf(url, key, { pageSize: 10 }), 'full', cut)).records).toHaveLength(15);
  });
});
