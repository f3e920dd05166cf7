import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { verifyLedger } from '../../src/ledger/verify-ledger.js';
import { engine } from '../support/databases.js';
import { countOrphans, directoryOf } from '../support/directory-of.js';
import { HttpClient } from '../support/http-client.js';
import { ProcessWorld } from '../support/process-world.js';

// The embedded database serves one instance, which then stands for both.
describe('two instances that write the same people at once', () => {
  let world: ProcessWorld;
  let instances: HttpClient[];
  beforeAll(async () => {
    world = await ProcessWorld.build();
    const one = await world.start();
    instances = [one.http, engine === 'mysql' ? (await world.start()).http : one.http];
  }, 60_000);
  afterAll(() => world.stop(), 60_000);

  const PEOPLE = 800;
  const people = (role: string, order: 1 | -1) =>
    Array.from({ length: PEOPLE }, (_, n) => ({ externalId: `w-${n}`, userName: `w-${n}`, roles: [role] })).sort(
      (a, b) => order * (a.externalId < b.externalId ? -1 : 1),
    );

  it('pushes in any order: no caller sees a deadlock, and each person is as one of them said last', async () => {
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all(
        instances.flatMap((http, side) =>
          ([1, -1] as const).map((order) =>
            http.post<{ counts: Record<string, number> }>('/users/sync', {
              users: people(side === 0 ? 'viewer' : 'editor', order),
              connection: world.connection,
            }),
          ),
        ),
      );
      expect(answers.map(({ status, body }) => [status, body.counts?.failed])).toEqual(answers.map(() => [200, 0]));
    }
    const lines = await directoryOf(world.database.read, world.connection);
    const wrong = lines.filter((line) => !/^w-\d+ w-\d+ 1 (viewer|editor) direct$/.test(line));
    expect([lines.length, wrong]).toEqual([PEOPLE, []]);
    expect(await world.count('users WHERE tenantId = ?', world.tenantId)).toBe(PEOPLE);
  }, 60_000);

  it('logins of the same people, who were never seen: one user each, and everybody is let in', async () => {
    const answers = await Promise.all(
      Array.from({ length: 160 }, (_, n) => {
        const token = world.idp.token({
          sub: `l-${n % 40}`,
          preferred_username: `l-${n % 40}`,
          groups: ['engineering'],
        });
        return new HttpClient(instances[n % 2]?.url ?? '').post<{ user: { id: string; roles: string[] } }>(
          '/auth/login',
          {
            token,
            connection: world.connection,
          },
        );
      }),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(answers.flatMap(({ body }) => body.user.roles)).toEqual(answers.map(() => 'editor'));
    expect(new Set(answers.map(({ body }) => body.user.id)).size).toBe(40);
    expect(await world.count('sessions')).toBe(160);
  }, 60_000);

  it('a token that counts once counts once, however many instances are asked at once', async () => {
    const token = world.idp.token({ sub: 'once', jti: 'the-one' });
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        new HttpClient(instances[n % 2]?.url ?? '').post('/auth/login', { token, connection: world.connection }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 11 }, () => 401)]);
  }, 30_000);

  it('pushes and logins of the same people together: nothing is lost, and nothing is left behind', async () => {
    const answers = await Promise.all([
      ...instances.map((http, side) =>
        http.post('/users/sync', { users: people(side === 0 ? 'editor' : 'viewer', 1), connection: world.connection }),
      ),
      ...Array.from({ length: 100 }, (_, n) =>
        new HttpClient(instances[n % 2]?.url ?? '').post('/auth/login', {
          token: world.idp.token({ sub: `m-${n % 25}`, preferred_username: `m-${n % 25}` }),
          connection: world.connection,
        }),
      ),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(await world.count("users WHERE userName LIKE 'm-%'")).toBe(25);
    expect(await countOrphans(world.database.read)).toBe(0);
    await world.untilCount(await world.count('events'), 'event_order');
    expect((await verifyLedger(world.database)).faults).toEqual([]);
  }, 60_000);
});
