import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { engine } from '../support/databases.js';
import type { HttpClient } from '../support/http-client.js';
import { ProcessWorld } from '../support/process-world.js';
import { createGroup, groupBody, groupPath, type ScimGroup, valuesOf } from '../support/scim-groups-world.js';
import { createUser, patchOf } from '../support/scim-world.js';

// The embedded database serves one instance, which then stands for both.
describe('two instances that change groups at once', () => {
  let world: ProcessWorld;
  let instances: [HttpClient, HttpClient];
  beforeAll(async () => {
    world = await ProcessWorld.build();
    const one = await world.start();
    instances = [one.scim, engine === 'mysql' ? (await world.start()).scim : one.scim];
  }, 60_000);
  afterAll(() => world.stop(), 60_000);

  const of = (n: number) => instances[n % 2] as HttpClient;
  const createUsers = (count: number, prefix: string) =>
    Promise.all(Array.from({ length: count }, (_, n) => createUser(of(n), `${prefix}-${n}@example.com`)));

  it('SCIM 30 of ten groups of one name, made at the same moment, there is one', async () => {
    const body = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: 'Only' };
    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => of(n).post('/scim/v2/Groups', body)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(9).fill(409)]);
  });

  it('SCIM 47 forty adds to one group end with forty members, who all have its role', async () => {
    const people = await createUsers(40, 'm');
    const { id } = await createGroup(of(0), 'engineering');
    const answers = await Promise.all(
      people.map((one, n) =>
        of(n).patch(groupPath(id), patchOf({ op: 'add', path: 'members', value: valuesOf(one.id) })),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(people.map(() => 200));
    const { body } = await of(1).get<ScimGroup>(groupPath(id));
    expect(body.members?.map(({ value }) => value).sort()).toEqual(people.map((one) => one.id).sort());
    expect(body.meta.version).toBe('W/"41"');
    expect(await world.count("grants WHERE heldKey = 'editor'")).toBe(40);
  }, 60_000);

  it('SCIM 32 of whole lists of members at the same moment one is the last, and it alone is in the group', async () => {
    const people = await createUsers(20, 'l');
    const { id } = await createGroup(of(0), 'lists');
    const answers = await Promise.all(people.map((one, n) => of(n).put(groupPath(id), groupBody('lists', [one.id]))));
    expect(answers.map(({ status }) => status)).toEqual(people.map(() => 200));
    const { body } = await of(1).get<ScimGroup>(groupPath(id));
    expect(body.members).toHaveLength(1);
  }, 60_000);

  it('SCIM 47 one person who is put into twenty groups at once is in all of them', async () => {
    const [ada] = await createUsers(1, 'a');
    const groups = await Promise.all(Array.from({ length: 20 }, (_, n) => createGroup(of(n), `g-${n}`)));
    const add = patchOf({ op: 'add', path: 'members', value: valuesOf(ada?.id ?? '') });
    const answers = await Promise.all(groups.map(({ id }, n) => of(n).patch(groupPath(id), add)));
    expect(answers.map(({ status }) => status)).toEqual(groups.map(() => 200));
    while ((await world.count('scim_due')) > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    const [row] = await world.rows('SELECT facts FROM identities WHERE id = ?', ada?.id ?? '');
    const facts = JSON.parse(String(row?.facts)) as { push: { values: { groups: string[] } } };
    expect(facts.push.values.groups).toEqual(groups.map(({ displayName }) => displayName).sort());
  }, 60_000);
});
