import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as wait } from 'node:timers/promises';
import { countOrphans, directoryOf } from '../support/directory-of.js';
import { type PeopleServer, servePeople } from '../support/people-server.js';
import { ProcessWorld } from '../support/process-world.js';

const PEOPLE = 8000;
/** `PULL_KILLS=50` for the long way. */
const KILLS = Number(process.env.PULL_KILLS ?? 4);
/** The embedded database is one process's. */
const HAS_SEVERAL = process.env.TEST_ENGINE === 'mysql';

describe('a pull whose instance is killed with -9', () => {
  let world: ProcessWorld;
  let source: PeopleServer;
  const people = Array.from({ length: PEOPLE }, (_, n) => ({
    externalId: `c-${n}`,
    userName: `c-${n}@x.example`,
    groups: [n % 2 === 0 ? 'engineering' : 'sales'],
    roles: ['viewer'],
  }));
  /** Whom the source has named before, and does not name any more. */
  const gone = Array.from({ length: 40 }, (_, n) => ({ externalId: `g-${n}`, userName: `g-${n}@x.example` }));
  const expected = [
    ...people.map(
      ({ externalId, userName }, n) =>
        `${externalId} ${userName} 1 ${n % 2 === 0 ? 'editor eng, viewer direct' : 'viewer direct'}`,
    ),
    ...gone.map(({ externalId, userName }) => `${externalId} ${userName} 0 `),
  ];

  beforeAll(async () => {
    world = await ProcessWorld.build();
    source = await servePeople(people, 100);
    // Pages come as over a network: there is time for a kill.
    source.before = () => wait(10);
  }, 60_000);
  afterAll(async () => {
    await source.stop();
    await world.stop();
  }, 60_000);

  it(`at ${KILLS} random points: the next one goes on where it was; nobody is there twice, none is lost, and those who are gone are switched off`, async () => {
    let { service, http } = await world.start();
    const set = await http.put(`/connections/${world.connection}/source`, {
      type: 'json',
      url: source.url,
      items: '/items',
      next: '/next',
    });
    expect(set.status).toBe(200);
    const { connection } = world;
    expect((await http.post('/users/sync', { connection, scope: 'source', users: gone })).status).toBe(200);
    const { body } = await http.post<{ run: string }>(`/connections/${connection}/sync`, { full: true });
    for (let kill = 1; kill <= KILLS; kill++) {
      const before = await world.count('identities');
      const at = Math.min(before + 1 + Math.floor(Math.random() * (PEOPLE / KILLS)), PEOPLE - 1000);
      await world.untilCount(at, 'identities');
      const next = HAS_SEVERAL ? await world.start() : null;
      service.kill('SIGKILL');
      expect(await service.ended).toBeNull();
      await world.expireHolds();
      ({ service, http } = next ?? (await world.start()));
    }
    for (;;) {
      const run = await http.get(`/sync-runs/${body.run}`);
      if (run.body.status !== 'running') {
        expect(run.body).toMatchObject({ status: 'finished', counts: { created: PEOPLE, deactivated: gone.length } });
        break;
      }
      await wait(50);
    }
    expect(await world.count("runs WHERE kind = 'pull'")).toBe(1);
    expect(await world.count('run_parts')).toBe(0);
    expect(await directoryOf(world.database.read, world.connection)).toEqual([...expected].sort());
    expect(await world.count('users WHERE tenantId = ?', world.tenantId)).toBe(PEOPLE + gone.length);
    expect(await world.count("events WHERE tenantId = ? AND type = 'user.created'", world.tenantId)).toBe(
      PEOPLE + gone.length,
    );
    expect(await countOrphans(world.database.read)).toBe(0);
    // Each time from the last page that was written: the first one came but once, and few came again.
    expect(source.asked.filter((page) => page === 0)).toHaveLength(1);
    expect(source.asked.length).toBeLessThan(PEOPLE / 100 + KILLS * 25);
  }, 600_000);
});
