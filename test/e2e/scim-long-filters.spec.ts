import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ListSource } from '../../src/flows/scim/list-source.js';
import { leniencyOf } from '../../src/flows/scim/protocol/leniencies.js';
import { readUrlQuery } from '../../src/flows/scim/protocol/list-query.js';
import type { ScimDirectory } from '../../src/flows/scim/scim-directory.js';
import { ScimLists } from '../../src/flows/scim/scim-lists.service.js';
import { ScimUserReader } from '../../src/flows/scim/scim-user-reader.js';
import type { Json } from '../../src/plan/statement.js';
import { makeGroupWorld, seedScimPeople } from '../support/scim-groups-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

const PEOPLE = 20;

let rollcall: TestApp;
let directory: ScimDirectory;

beforeAll(async () => {
  rollcall = await startApp();
  const world = await makeGroupWorld(rollcall);
  await seedScimPeople(rollcall, world, PEOPLE);
  directory = { connectionId: world.connectionId, leniencies: leniencyOf('rfc') } as ScimDirectory;
});
afterAll(() => rollcall.stop());

/** The people of the directory, each with `ims`. */
function sourceWith(ims: Json[]): ListSource {
  const { type, table, indexed, sortColumns } = rollcall.app.get(ScimUserReader);
  const read: ListSource['read'] = (_, ids) => Promise.resolve(new Map(ids.map((id) => [id, { id, ims }])));
  return { type, table, indexed, sortColumns, read };
}

/** How often others had a turn while `work` was done. */
async function countTurns(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let isOver = false;
  const look = (): void => {
    turns += 1;
    if (!isOver) setImmediate(look);
  };
  setImmediate(look);
  await work();
  isOver = true;
  return turns;
}

describe('a long filter over long lists', () => {
  const ims = Array.from({ length: 500 }, (_, i) => ({ value: `someone-${i}@chat.example` }));
  const filter = Array.from({ length: 100 }, (_, i) => `ims co "0q${i}"`).join(' or ');

  it('leaves others a turn between any two people', async () => {
    // On any machine each of them takes longer than others are made to wait.
    const source = sourceWith(Array.from({ length: 30 }, () => ims).flat());
    const turns = await countTurns(async () => {
      const page = await rollcall.app.get(ScimLists).page(directory, source, readUrlQuery({ filter }));
      expect(page.totalResults).toBe(0);
    });
    expect(turns).toBeGreaterThan(PEOPLE / 2);
  });

  it('is refused where it would take longer than that', async () => {
    const source = sourceWith(Array.from({ length: 101 }, () => ims).flat());
    await expect(rollcall.app.get(ScimLists).page(directory, source, readUrlQuery({ filter }))).rejects.toMatchObject({
      code: 'scim_too_many',
    });
  });
});
