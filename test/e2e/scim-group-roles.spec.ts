import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { GrantEntity } from '../../src/records/users/grant.entity.js';
import { IdentityEntity } from '../../src/records/users/identity.entity.js';
import { GroupRunsService } from '../../src/flows/scim/group-runs.service.js';
import { makeGroupWorld, seedScimPeople } from '../support/scim-people.js';
import type { ScimWorld } from '../support/scim-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

const GROUP_URN = 'urn:ietf:params:scim:schemas:core:2.0:Group';

let rollcall: TestApp;
let world: ScimWorld;

beforeAll(async () => {
  rollcall = await startApp();
});
afterAll(() => rollcall.stop());

const groupBody = (displayName: string, ids: readonly string[] = [], more: object = {}) => ({
  schemas: [GROUP_URN],
  displayName,
  members: ids.map((value) => ({ value })),
  ...more,
});

/** Role keys by identity that the connection gives. */
async function rolesOf(connectionId: string): Promise<Record<string, string[]>> {
  const grants = await rollcall.database.read.findBy(GrantEntity, { connectionId });
  const roles: Record<string, string[]> = {};
  for (const { sourceId, heldKey } of grants) (roles[sourceId] ??= []).push(heldKey);
  return roles;
}

async function groupsOf(id: string): Promise<unknown> {
  const { facts } = await rollcall.database.read.findOneByOrFail(IdentityEntity, { id });
  return (facts as { push: { values: Record<string, unknown> } }).push.values.groups;
}

async function create(displayName: string, ids: readonly string[], more: object = {}): Promise<string> {
  const answer = await world.scim.post<{ id: string }>('/scim/v2/Groups', groupBody(displayName, ids, more));
  expect(answer).toMatchObject({ status: 201 });
  return answer.body.id;
}

describe('roles follow groups', () => {
  it('a member gets what the rules give to the group in the transaction of the change, and loses it so', async () => {
    world = await makeGroupWorld(rollcall);
    const [a = '', b = '', c = ''] = await seedScimPeople(rollcall, world, 3);
    const id = await create('engineering', [a, b]);
    expect(await rolesOf(world.connectionId)).toEqual({ [a]: ['editor'], [b]: ['editor'] });
    const put = await world.scim.put(`/scim/v2/Groups/${id}`, groupBody('engineering', [b, c]));
    expect(put).toMatchObject({ status: 200 });
    expect(await rolesOf(world.connectionId)).toEqual({ [b]: ['editor'], [c]: ['editor'] });
    expect(await groupsOf(a)).toEqual([]);
    const renamed = await world.scim.put(`/scim/v2/Groups/${id}`, groupBody('sales', [b, c]));
    expect(renamed).toMatchObject({ status: 200 });
    expect(await rolesOf(world.connectionId)).toEqual({});
    expect(await groupsOf(b)).toEqual(['sales']);
    expect(await world.scim.delete(`/scim/v2/Groups/${id}`)).toMatchObject({ status: 204 });
    expect(await groupsOf(b)).toEqual([]);
    expect(await world.scim.get(`/scim/v2/Groups/${id}`)).toMatchObject({ status: 404 });
  });

  it('of more than a thousand members they follow by a run, which a kill does not lose', async () => {
    world = await makeGroupWorld(rollcall);
    const ids = await seedScimPeople(rollcall, world, 3000);
    const id = await create('engineering', ids);
    await rollcall.app.get(GroupRunsService).workThrough();
    expect(Object.keys(await rolesOf(world.connectionId))).toHaveLength(3000);
    const begun = Date.now();
    const renamed = await world.scim.put(`/scim/v2/Groups/${id}`, groupBody('sales', ids));
    console.info('rename', Date.now() - begun);
    expect(renamed).toMatchObject({ status: 200 });
    await rollcall.app.get(GroupRunsService).workThrough();
    expect(Object.keys(await rolesOf(world.connectionId))).toHaveLength(0);
  }, 60_000);
});
