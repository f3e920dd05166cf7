import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/platform/ids.js';
import { expectScimError } from '../support/scim-asks.js';
import {
  createGroup,
  groupFactOf,
  groupPath,
  makeGroupWorld,
  membersOf,
  patchGroup,
  type ScimGroup,
  seedScimPeople,
  valuesOf,
} from '../support/scim-groups-world.js';
import { createUser, patchOf, type ScimWorld, userPath } from '../support/scim-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

let rollcall: TestApp;
let world: ScimWorld;

beforeAll(async () => {
  rollcall = await startApp();
});
afterAll(() => rollcall.stop());
beforeEach(async () => {
  world = await makeGroupWorld(rollcall);
});

const get = (id: string, query = '') => world.scim.get<ScimGroup>(groupPath(id) + query);

describe('members of groups', () => {
  it('SCIM 42 43 remove takes away those who are named, and no others', async () => {
    const people = await seedScimPeople(rollcall, world, 5);
    const [a = '', b = '', c = '', d = '', e = ''] = people;
    const { id } = await createGroup(world.scim, 'Staff', people);
    await patchGroup(world, id, { op: 'Remove', path: 'members', value: valuesOf(a) });
    expect(membersOf(await get(id))).toEqual([b, c, d, e].sort());
    await patchGroup(world, id, { op: 'remove', path: `members[value eq "${b}" or value eq "${c}"]` });
    expect(membersOf(await get(id))).toEqual([d, e].sort());
    await patchGroup(world, id, { op: 'remove', path: `members[value sw "${d.slice(0, 8)}" and value eq "${d}"]` });
    expect(membersOf(await get(id))).toEqual([e]);
    expect(await patchGroup(world, id, { op: 'remove', path: 'members' })).toMatchObject({ status: 200 });
    expect(membersOf(await get(id))).toEqual([]);
  });

  it('SCIM 44 replace of members replaces all of them, with an empty list too', async () => {
    const [a = '', b = '', c = ''] = await seedScimPeople(rollcall, world, 3);
    const { id } = await createGroup(world.scim, 'Staff', [a, b]);
    await patchGroup(world, id, { op: 'replace', path: 'members', value: valuesOf(b, c) });
    expect(membersOf(await get(id))).toEqual([b, c].sort());
    await patchGroup(world, id, { op: 'replace', value: { displayName: 'Crew' } });
    expect(membersOf(await get(id))).toEqual([b, c].sort());
    await patchGroup(world, id, { op: 'replace', path: 'members', value: [] });
    expect(membersOf(await get(id))).toEqual([]);
  });

  it('SCIM 45 replace of one member is for somebody who is one, or for nobody at all', async () => {
    const [a = '', b = '', c = ''] = await seedScimPeople(rollcall, world, 3);
    const { id } = await createGroup(world.scim, 'Staff', [a]);
    const replace = (member: string, by: string) =>
      patchGroup(world, id, { op: 'replace', path: `members[value eq "${member}"]`, value: { value: by } });
    expectScimError(await replace(c, b), 400, 'noTarget');
    expectScimError(await replace(newId(), b), 400, 'noTarget');
    expect(membersOf(await get(id))).toEqual([a]);
    expect(await replace(a, b)).toMatchObject({ status: 200 });
    expect(membersOf(await get(id))).toEqual([b]);
  });

  it('SCIM 35 the operations of a PATCH are applied in order, and all of them or none', async () => {
    const [a = '', b = ''] = await seedScimPeople(rollcall, world, 2);
    const { id } = await createGroup(world.scim, 'Staff', [a]);
    const answer = await patchGroup(
      world,
      id,
      { op: 'add', path: 'members', value: valuesOf(b) },
      { op: 'remove', path: `members[value eq "${a}"]` },
      { op: 'replace', path: 'displayName', value: 'Crew' },
    );
    expect(answer).toMatchObject({ status: 200, body: { displayName: 'Crew' } });
    expect(membersOf(answer)).toEqual([b]);
    const again = await patchGroup(
      world,
      id,
      { op: 'remove', path: 'members[type eq "User"]' },
      { op: 'add', path: 'members', value: valuesOf(b) },
    );
    expect(again).toMatchObject({ status: 200, body: answer.body });
    const refused = await patchGroup(
      world,
      id,
      { op: 'add', path: 'members', value: valuesOf(a) },
      { op: 'replace', path: 'displayName', value: 'Other' },
      { op: 'add', path: 'members', value: valuesOf(newId()) },
    );
    expectScimError(refused, 400, 'invalidValue');
    expect((await get(id)).body).toEqual(answer.body);
  });

  it('SCIM 47 twenty adds at the same moment end with twenty members', async () => {
    const people = await seedScimPeople(rollcall, world, 20);
    const { id } = await createGroup(world.scim, 'engineering');
    const answers = await Promise.all(
      people.map((one) => patchGroup(world, id, { op: 'add', path: 'members', value: valuesOf(one) })),
    );
    expect(answers.map(({ status }) => status)).toEqual(people.map(() => 200));
    const group = await get(id);
    expect(membersOf(group)).toEqual([...people].sort());
    expect(group.body.meta.version).toBe('W/"21"');
    await Promise.all(
      people.slice(0, 15).map((one) => patchGroup(world, id, { op: 'remove', path: `members[value eq "${one}"]` })),
    );
    expect(membersOf(await get(id))).toEqual(people.slice(15).sort());
  });

  it('SCIM 47 adds while the group is renamed lose nobody, and everybody is told the new name', async () => {
    const people = await seedScimPeople(rollcall, world, 12);
    const { id } = await createGroup(world.scim, 'one', people.slice(0, 4));
    await Promise.all([
      ...people.slice(4).map((one) => patchGroup(world, id, { op: 'add', path: 'members', value: valuesOf(one) })),
      patchGroup(world, id, { op: 'replace', path: 'displayName', value: 'two' }),
    ]);
    expect(membersOf(await get(id))).toEqual([...people].sort());
    for (const one of people) expect(await groupFactOf(rollcall, one)).toEqual(['two']);
  });

  it('SCIM 36 a large group is answered with 204, and whoever asks for attributes gets these', async () => {
    const people = await seedScimPeople(rollcall, world, 120);
    const { id } = await createGroup(world.scim, 'Staff', people.slice(0, 110));
    const answer = await patchGroup(world, id, { op: 'add', path: 'members', value: valuesOf(people[111] ?? '') });
    expect(answer).toMatchObject({ status: 204, body: '' });
    expect(answer.headers.get('etag')).toBe('W/"2"');
    const told = await world.scim.patch<ScimGroup>(
      `${groupPath(id)}?attributes=members`,
      patchOf({ op: 'add', path: 'members', value: valuesOf(people[112] ?? '') }),
    );
    expect(told.status).toBe(200);
    expect(told.body.members).toHaveLength(112);
    const without = await get(id, '?excludedAttributes=members');
    expect(without.body).not.toHaveProperty('members');
  });

  it('SCIM 63 members are users of the directory: nobody of another tenant, of another connection, and no groups', async () => {
    const other = await makeGroupWorld(rollcall);
    const [foreign = ''] = await seedScimPeople(rollcall, other, 1);
    const [a = ''] = await seedScimPeople(rollcall, world, 1);
    const { id } = await createGroup(world.scim, 'Staff', [a]);
    for (const value of [foreign, newId(), 'nobody']) {
      expectScimError(
        await patchGroup(world, id, { op: 'add', path: 'members', value: [{ value }] }),
        400,
        'invalidValue',
      );
    }
    expectScimError(
      await patchGroup(world, id, { op: 'add', path: 'members', value: valuesOf(id) }),
      400,
      'invalidValue',
    );
    expectScimError(await other.scim.get(groupPath(id)), 404);
    expectScimError(await other.scim.delete(groupPath(id)), 404);
    expect(membersOf(await get(id))).toEqual([a]);
  });

  it('unknown members are left out or kept where the preset says so', async () => {
    const okta = await makeGroupWorld(rollcall, { preset: 'okta' });
    const left = await createGroup(okta.scim, 'Staff', ['nobody']);
    expect(left).not.toHaveProperty('members');
    const entra = await makeGroupWorld(rollcall, { preset: 'entra' });
    const kept = await createGroup(entra.scim, 'Staff', ['nobody']);
    expect(kept.members).toMatchObject([{ value: 'nobody' }]);
    const gone = await entra.scim.patch(
      groupPath(kept.id),
      patchOf({ op: 'Remove', path: 'members', value: valuesOf('nobody') }),
    );
    expect(gone.status).toBe(204);
    expect((await entra.scim.get(groupPath(kept.id))).body).not.toHaveProperty('members');
  });

  it.each(['okta', 'entra'])(
    'SCIM 26 a group is refused as a member, whatever else is forgiven: %s',
    async (preset) => {
      const lenient = await makeGroupWorld(rollcall, { preset });
      const { id } = await createGroup(lenient.scim, 'Staff');
      const nested = { op: 'add', path: 'members', value: valuesOf(id) };
      expectScimError(await patchGroup(lenient, id, nested), 400, 'invalidValue');
      expect((await lenient.scim.get(groupPath(id))).body).not.toHaveProperty('members');
    },
  );

  it('SCIM 63 a directory that keeps members whom it does not know reaches nobody of another one by it', async () => {
    const rule = { id: 'staff', when: "'Staff' in claims.groups", grant: ['editor'] };
    const settings = { mapping: { roles: [rule] }, allowedRoles: ['editor'] };
    const home = await makeGroupWorld(rollcall, settings);
    const { id: own } = await createUser(home.scim, 'ada@example.com');
    const entra = await makeGroupWorld(rollcall, { ...settings, preset: 'entra' });
    const kept = await createGroup(entra.scim, 'Staff', [own]);
    expect((await entra.scim.get<ScimGroup>(groupPath(kept.id))).body.members).toMatchObject([{ value: own }]);
    const before = await home.scim.get(userPath({ id: own }));
    expect(before).toMatchObject({ status: 200, body: { userName: 'ada@example.com' } });
    expect(before.body).not.toHaveProperty('groups');
    await createGroup(home.scim, 'Others', [own]);
    const { body } = await home.scim.get<{ groups: object[] }>(userPath({ id: own }));
    expect(body.groups).toMatchObject([{ display: 'Others' }]);
    expect(body.groups).toHaveLength(1);
    expect(await groupFactOf(rollcall, own)).toEqual(['Others']);
  });
});
