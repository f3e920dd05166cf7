import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  createGroup,
  groupBody,
  groupPath,
  makeGroupWorld,
  patchGroup,
  type ScimGroup,
} from '../support/scim-groups-world.js';
import type { ScimWorld } from '../support/scim-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

let rollcall: TestApp;
const worlds = new Map<string, ScimWorld>();

beforeAll(async () => {
  rollcall = await startApp();
  for (const preset of ['rfc', 'entra']) worlds.set(preset, await makeGroupWorld(rollcall, { preset }));
});
afterAll(() => rollcall.stop());

const worldOf = (preset: string) => worlds.get(preset) as ScimWorld;
const texts: [string, unknown][] = [
  ['NUL', 'a\0b'],
  ['half a character', 'a\ud800'],
  ['10,000 characters', 'x'.repeat(10_000)],
  ['nothing', ''],
  ['a space', ' '],
  ['a number', 5],
  ['an object', { value: { value: 'x' } }],
  ['a list', [['x']]],
  ['null', null],
  ['a quote', `x' OR '1'='1`],
  ['a wildcard', '%'],
];
const cases = texts.flatMap(([name, value]) => ['rfc', 'entra'].map((preset) => [name, preset, value] as const));

describe('bad input of groups', () => {
  it.each(cases)('a member or a name that is %s is no fault of ours under %s', async (_, preset, value) => {
    const world = worldOf(preset);
    const { scim } = world;
    const name = `g-${Math.random()}`;
    const { id } = await createGroup(scim, name);
    const answers = [
      await scim.post('/scim/v2/Groups', { ...groupBody('x'), displayName: value }),
      await scim.post('/scim/v2/Groups', { ...groupBody(`${name} 2`), members: [{ value }] }),
      await scim.post('/scim/v2/Groups', { ...groupBody(`${name} 3`), members: value }),
      await scim.post('/scim/v2/Groups', { ...groupBody(`${name} 4`), externalId: value }),
      await patchGroup(world, id, { op: 'add', path: 'members', value: [{ value }] }),
      await patchGroup(world, id, { op: 'remove', path: 'members', value: [{ value }] }),
      await patchGroup(world, id, { op: 'replace', path: 'displayName', value }),
      await patchGroup(world, id, { op: 'remove', path: `members[value eq ${JSON.stringify(value)}]` }),
      await scim.get(`/scim/v2/Groups?filter=${encodeURIComponent(`members.value eq ${JSON.stringify(value)}`)}`),
      await scim.get(`/scim/v2/Groups?filter=${encodeURIComponent(`displayName eq ${JSON.stringify(value)}`)}`),
    ];
    for (const answer of answers) expect(answer.status).toBeLessThan(500);
    expect(await scim.get<ScimGroup>(groupPath(id))).toMatchObject({ status: 200 });
  });

  it.each(['%00', '%ed%a0%80', '..', '.search', 'x'.repeat(3000), '%25', `1'--`])(
    'there is no group %s',
    async (id) => {
      const { scim } = worldOf('rfc');
      const answers = [
        await scim.get(groupPath(id)),
        await scim.delete(groupPath(id)),
        await scim.put(groupPath(id), groupBody('x')),
      ];
      for (const { status } of answers) expect([400, 404, 405, 414]).toContain(status);
    },
  );

  it('a PATCH of 10,000 operations, and one of more', async () => {
    const world = worldOf('rfc');
    const { id } = await createGroup(world.scim, 'many operations');
    const operation = { op: 'remove', path: 'members', value: [{ value: 'nobody' }] };
    expect(await patchGroup(world, id, ...Array<typeof operation>(10_000).fill(operation))).toMatchObject({
      status: 200,
    });
    expect(await patchGroup(world, id, ...Array<typeof operation>(10_001).fill(operation))).toMatchObject({
      status: 413,
    });
  });

  it('a PATCH of many filters over many members is refused as a whole', async () => {
    const world = worldOf('entra');
    const members = Array.from({ length: 60 }, (_, i) => ({ value: `m${i}`, display: `d${i}` }));
    const { id } = await createGroup(world.scim, 'many filters', [], { members });
    const removals = (count: number) =>
      Array.from({ length: count }, (_, i) => {
        const terms = ['a', 'b', 'c', 'd'].map((text) => `display eq "${text}${i}"`);
        return { op: 'remove', path: `members[${terms.join(' or ')}]` };
      });
    expect(await patchGroup(world, id, ...removals(9_000))).toMatchObject({ status: 413 });
    expect((await world.scim.get<ScimGroup>(groupPath(id))).body.members).toHaveLength(60);
    expect(await patchGroup(world, id, ...removals(60))).toMatchObject({ status: 204 });
    expect((await world.scim.get<ScimGroup>(groupPath(id))).body.members ?? []).toHaveLength(0);
  });
});
