import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/platform/ids.js';
import { ScimGroupEntity } from '../../src/records/groups/group.entity.js';
import type { Answer } from '../support/http-client.js';
import { expectScimError } from '../support/scim-asks.js';
import {
  createGroup,
  GROUP_URN,
  makeGroupWorld,
  type ScimGroup,
  seedScimPeople,
} from '../support/scim-groups-world.js';
import { createUser, type ScimWorld } from '../support/scim-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

interface ListAnswer {
  totalResults: number;
  itemsPerPage: number;
  startIndex?: number;
  nextCursor?: string;
  Resources: ScimGroup[];
}

let rollcall: TestApp;
let world: ScimWorld;

beforeAll(async () => {
  rollcall = await startApp();
});
afterAll(() => rollcall.stop());
beforeEach(async () => {
  world = await makeGroupWorld(rollcall);
});

const list = (query: Record<string, string | number>) =>
  world.scim.get<ListAnswer>(`/scim/v2/Groups?${new URLSearchParams(query as Record<string, string>)}`);

describe('lists of groups', () => {
  it('SCIM 54 are found by displayName in any case, externalId, id, members and lastModified', async () => {
    const [a = '', b = ''] = await seedScimPeople(rollcall, world, 2);
    const staff = await createGroup(world.scim, 'Staff', [a], { externalId: 'X-1' });
    const crew = await createGroup(world.scim, 'Crew', [a, b]);
    const found = async (filter: string) => {
      const { status, body } = await list({ filter });
      expect(status).toBe(200);
      expect(body.totalResults).toBe(body.Resources.length);
      return body.Resources.map(({ id }) => id).sort();
    };
    const both = [staff.id, crew.id].sort();
    expect(await found('displayName eq "STAFF"')).toEqual([staff.id]);
    expect(await found('displayName eq "nobody"')).toEqual([]);
    expect(await found('externalId eq "X-1"')).toEqual([staff.id]);
    expect(await found('externalId eq "x-1"')).toEqual([]);
    expect(await found(`id eq "${crew.id}"`)).toEqual([crew.id]);
    expect(await found(`members.value eq "${b}"`)).toEqual([crew.id]);
    expect(await found(`members[value eq "${a}"]`)).toEqual(both);
    expect(await found(`members eq "${a}" and displayName sw "st"`)).toEqual([staff.id]);
    expect(await found(`not (members.value eq "${b}")`)).toEqual([staff.id]);
    expect(await found(`meta.lastModified ge "${staff.meta.lastModified}"`)).toEqual(both);
    expect(await found('members pr')).toEqual(both);
    expect(await found('externalId pr')).toEqual([staff.id]);
    expect(await found('displayName ew "ff" or displayName co "re"')).toEqual(both);
    expectScimError(await list({ filter: 'nosuch eq "x"' }), 400, 'invalidFilter');
  });

  it('SCIM 55 56 59 are sorted, and paged by index and by cursor', async () => {
    const names = ['delta', 'Alpha', 'charlie', 'Bravo', 'echo'];
    for (const name of names) await createGroup(world.scim, name);
    const sorted = ['Alpha', 'Bravo', 'charlie', 'delta', 'echo'];
    const namesOf = ({ body }: Answer<ListAnswer>) => body.Resources.map(({ displayName }) => displayName);
    expect(namesOf(await list({ sortBy: 'displayName' }))).toEqual(sorted);
    const second = await list({ sortBy: 'displayName', sortOrder: 'descending', startIndex: 2, count: 2 });
    expect(second.body).toMatchObject({ totalResults: 5, startIndex: 2, itemsPerPage: 2 });
    expect(namesOf(second)).toEqual(['delta', 'charlie']);
    const walked: string[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const page: Answer<ListAnswer> = await list({ sortBy: 'displayName', count: 2, cursor });
      expect(page.body.totalResults).toBe(5);
      walked.push(...namesOf(page));
      cursor = page.body.nextCursor;
    }
    expect(walked).toEqual(sorted);
    expect((await list({ count: 0 })).body).toMatchObject({ totalResults: 5, Resources: [] });
  });

  it('SCIM 58 .search answers as GET does, at the root for users and groups at once', async () => {
    const ada = await createUser(world.scim, 'ada@example.com', { displayName: 'Ada' });
    const staff = await createGroup(world.scim, 'Staff', [ada.id]);
    const body = {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'],
      filter: 'displayName pr',
      attributes: ['displayName'],
    };
    const groups = await world.scim.post<ListAnswer>('/scim/v2/Groups/.search', body);
    expect(groups.body.Resources).toEqual([{ schemas: [GROUP_URN], id: staff.id, displayName: 'Staff' }]);
    const all = await world.scim.post<ListAnswer>('/scim/v2/.search', body);
    expect(all.body.Resources.map(({ displayName }) => displayName).sort()).toEqual(['Ada', 'Staff']);
  });
});

describe('lists of groups with very many members', () => {
  it('SCIM 54 are told without the members, and refused with tooMany rather than cut', async () => {
    const { tenantId, connectionId } = world;
    await seedScimPeople(rollcall, world, 1300);
    await rollcall.database.transaction(async (tx) => {
      await tx.insert(
        ScimGroupEntity,
        Array.from({ length: 200 }, (_, n) => {
          const name = `g-${n}`;
          const names = { displayName: name, displayNameKey: name, externalId: null };
          return {
            id: newId(),
            tenantId,
            connectionId,
            ...names,
            version: 1,
            revision: 1,
            createdAt: 1,
            modifiedAt: 1,
          };
        }),
      );
      await tx.query(
        `INSERT INTO scim_members (groupId, memberId, tenantId, connectionId, known, display, addedAt)
         SELECT g.id, u.identityId, g.tenantId, g.connectionId, 1, NULL, 1 FROM scim_groups g
         JOIN scim_users u ON u.connectionId = g.connectionId WHERE g.connectionId = ?`,
        [connectionId],
      );
    });
    const { body } = await list({ count: 200, excludedAttributes: 'members' });
    expect(body).toMatchObject({ totalResults: 200, itemsPerPage: 200 });
    expectScimError(await list({ count: 200 }), 400, 'tooMany');
    const some = await list({ count: 2, sortBy: 'displayName' });
    expect(some.body.Resources.map(({ members }) => members?.length)).toEqual([1300, 1300]);
  }, 60_000);
});

describe('what an admin sees of groups', () => {
  it('GET /connections/{id}/groups tells the members and the roles of each, and by which rule', async () => {
    const people = await seedScimPeople(rollcall, world, 3);
    await createGroup(world.scim, 'engineering', people);
    await createGroup(world.scim, 'sales', people.slice(0, 1), { externalId: 's-1' });
    const admin = await rollcall.clientWith(world.tenantId, ['connections:read']);
    const path = `/connections/${world.connectionId}/groups`;
    const first = await admin.get<{ items: unknown[]; cursor: string }>(`${path}?limit=1`);
    const gift = { kind: 'role', key: 'editor', rule: 'eng', because: 'groups has engineering', withheld: null };
    expect(first.body.items).toMatchObject([
      { displayName: 'engineering', knownAs: 'engineering', members: 3, gives: [gift], depends: [] },
    ]);
    const second = await admin.get<{ items: unknown[]; cursor: string | null }>(`${path}?cursor=${first.body.cursor}`);
    expect(second.body).toMatchObject({
      items: [{ displayName: 'sales', externalId: 's-1', members: 1, gives: [] }],
      cursor: null,
    });
    const other = await makeGroupWorld(rollcall);
    const stranger = await rollcall.clientWith(other.tenantId, ['connections:read']);
    expect(await stranger.get(path)).toMatchObject({ status: 404 });
  });
});
