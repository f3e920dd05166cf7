import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  createGroup,
  finishGroupRuns,
  groupBody,
  groupFactOf,
  makeGroupWorld,
  type ScimGroup,
  seedScimPeople,
} from '../support/scim-groups-world.js';
import { patchOf, type ScimWorld } from '../support/scim-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

let rollcall: TestApp;
let world: ScimWorld;

beforeAll(async () => {
  rollcall = await startApp();
  world = await makeGroupWorld(rollcall);
});
afterAll(() => rollcall.stop());

const at = ({ id }: ScimGroup) => `/scim/v2/Groups/${id}`;
const membersOf = async (group: ScimGroup) =>
  ((await world.scim.get<ScimGroup>(at(group))).body.members ?? []).map(({ value }) => value);

describe('lists of members that come at the same moment', () => {
  it.each([
    ['PUT', (group: ScimGroup, ids: string[]) => world.scim.put<unknown>(at(group), groupBody(group.displayName, ids))],
    [
      'PATCH',
      (group: ScimGroup, ids: string[]) => {
        const value = ids.map((id) => ({ value: id }));
        return world.scim.patch<unknown>(at(group), patchOf({ op: 'replace', path: 'members', value }));
      },
    ],
  ])('SCIM 32 44 of twenty whole lists by %s one is the last, and it alone is in the group', async (way, replace) => {
    const ids = await seedScimPeople(rollcall, world, 40, `races-${way.toLowerCase()}`);
    const group = await createGroup(world.scim, `Races by ${way}`);
    const lists = Array.from({ length: 20 }, (_, n) => ids.slice(2 * n, 2 * n + 2));
    const answers = await Promise.all(lists.map((list) => replace(group, list)));
    expect(answers.map(({ status }) => status)).toEqual(Array<number>(20).fill(200));
    const members = await membersOf(group);
    expect(lists).toContainEqual(members);
    await finishGroupRuns(rollcall, world);
    const facts = await Promise.all(ids.map((id) => groupFactOf(rollcall, id)));
    const told = ids.filter((_, n) => ((facts[n] ?? []) as string[]).includes(group.displayName));
    expect(told.sort()).toEqual(members.sort());
  });
});
