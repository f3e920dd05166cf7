import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ProcessWorld } from '../support/process-world.js';
import { groupBody, insertScimRows, type ScimGroup } from '../support/scim-groups-world.js';
import { patchOf } from '../support/scim-world.js';

const PEOPLE = 3000;

describe('a service that is killed with -9 while the roles of a large group follow', () => {
  let world: ProcessWorld;
  beforeAll(async () => {
    world = await ProcessWorld.build();
  }, 60_000);
  afterAll(() => world.stop(), 60_000);

  const given = () => world.count("grants WHERE kind = 'role' AND heldKey = 'editor'");
  const finished = (runs: number) => world.untilCount(runs, "runs WHERE kind = 'groups' AND status = 'finished'");

  async function seedPeople(): Promise<string[]> {
    const { service, http } = await world.start();
    const users = Array.from({ length: PEOPLE }, (_, n) => ({ externalId: `k-${n}`, userName: `k-${n}@x.example` }));
    expect(await http.post('/users/sync', { users, connection: world.connection })).toMatchObject({ status: 200 });
    service.kill('SIGTERM');
    await service.ended;
    // The embedded database is one process's at a time.
    await insertScimRows(world.database, world.connection, 'k-%');
    return (await world.rows('SELECT id FROM identities ORDER BY id')).map(({ id }) => String(id));
  }

  it('whoever starts next brings everybody along: those who came, and those of a group that is gone', async () => {
    const ids = await seedPeople();
    const first = await world.start();
    const made = await first.scim.post<ScimGroup>('/scim/v2/Groups', groupBody('engineering', ids));
    expect(made.status).toBe(201);
    await world.untilCount(1, 'grants');
    first.service.kill('SIGKILL');
    expect(await first.service.ended).toBe(null);
    expect(await given()).toBeLessThan(PEOPLE);
    await world.expireHolds();

    const second = await world.start();
    await finished(1);
    expect(await given()).toBe(PEOPLE);
    const path = `/scim/v2/Groups/${made.body.id}`;
    const renamed = await second.scim.patch(path, patchOf({ op: 'replace', path: 'displayName', value: 'sales' }));
    expect(renamed.status).toBe(204);
    const deleted = await second.scim.delete(path);
    expect(deleted.status).toBe(204);
    while ((await given()) === PEOPLE) await new Promise((resolve) => setTimeout(resolve, 5));
    second.service.kill('SIGKILL');
    await second.service.ended;
    expect(await given()).toBeGreaterThan(0);
    await world.expireHolds();

    const third = await world.start();
    await finished(3);
    expect([await given(), await world.count('scim_due'), await world.count('scim_members')]).toEqual([0, 0, 0]);
    const { body } = await third.http.get<{ items: { counts: Record<string, number> }[] }>('/sync-runs?kind=groups');
    expect(body.items.map(({ counts }) => counts)).toEqual([
      expect.objectContaining({ failed: 0 }),
      expect.objectContaining({ failed: 0 }),
      { changed: PEOPLE, unchanged: 0, failed: 0 },
    ]);
    third.service.kill('SIGTERM');
    expect(await third.service.ended).toBe(0);
  }, 90_000);
});
