import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FollowingWorld } from '../support/following-world.js';

/** A larger number is for an evening: `FOLLOW_USERS=20000`. */
const USERS = Number(process.env.FOLLOW_USERS ?? 1200);
const TIME_MS = 60_000 + USERS * 20;
/** So many of them come to be called otherwise later. */
const STAYING = USERS - 10;

const people = (word: string, count = USERS) =>
  Array.from({ length: count }, (_, n) => ({
    externalId: `x-${n}`,
    userName: `user-${n}@example.com`,
    displayName: `${word} ${n}`,
    roles: n % 2 === 0 ? ['editor'] : ['viewer', 'editor'],
    groups: ['Finance'],
    attributes: { place: n },
  }));

describe('one Rollcall follows another, both as processes', () => {
  let world: FollowingWorld;

  beforeAll(async () => {
    world = await FollowingWorld.build();
    await world.follow.push(people('First'));
    await world.follow.store(await world.follow.issueKey());
  }, TIME_MS);
  afterAll(() => world.stop());

  /** Waits until so many people of the secondary are called so. */
  const untilCalled = (word: string, count: number) =>
    world.secondary.untilCount(count, `users WHERE displayName LIKE '${word} %'`);

  it(
    'takes everybody the first time, though the primary is killed in the middle',
    async () => {
      const reached = world.gate.closeAt('/users/export', 0, 250_000);
      const run = await world.follow.startSync(true);
      await Promise.all([reached, untilCalled('First', 500)]);
      await world.killAndStart('primary');
      world.gate.open();
      expect(await world.follow.endOf(run)).toMatchObject({ status: 'finished', counts: { failed: 0 } });
      expect(await world.follow.findDifferences()).toEqual([]);
      expect((await world.follow.everybody()).secondary.size).toBe(USERS);
    },
    TIME_MS,
  );

  it(
    'then takes who has changed, and takes away who was deleted, though the secondary is killed in the middle',
    async () => {
      await world.follow.push(people('Second'));
      const { primary } = await world.follow.everybody();
      const deleted = [...primary.values()].filter(
        ({ attributes }) => (attributes as { place: number }).place >= STAYING,
      );
      for (const { externalId } of deleted) {
        expect((await world.follow.primary.http.delete(`/users/${String(externalId)}`)).status).toBe(204);
      }
      const reached = world.gate.closeAt('/users/records', 1);
      const run = await world.follow.startSync(false);
      await Promise.all([reached, untilCalled('Second', 500)]);
      await world.killAndStart('secondary');
      world.gate.open();
      expect(await world.follow.endOf(run)).toMatchObject({ status: 'finished', counts: { failed: 0 } });
      // Who was deleted is switched off by the run, and removed by the comparison after it.
      await world.follow.untilSame();
      expect((await world.follow.everybody()).secondary.size).toBe(STAYING);
    },
    TIME_MS,
  );

  it(
    'is suspended when its key is replaced in the middle, and goes on with the new one',
    async () => {
      await world.follow.push(people('Third', STAYING));
      const reached = world.gate.closeAt('/users/records', 1);
      const run = await world.follow.startSync(false);
      await Promise.all([reached, untilCalled('Third', 500)]);
      const key = await world.follow.issueKey();
      world.gate.open();
      const refused = { status: 'broken', error: expect.stringMatching(/refuses the credential/) };
      expect(await world.follow.endOf(run)).toMatchObject(refused);
      const { http, connection } = world.follow.secondary;
      const again = await http.post(`/connections/${connection}/sync`, { full: false });
      expect(again).toMatchObject({ status: 409, body: { code: 'source_suspended' } });
      expect((await http.post(`/connections/${connection}/resume`)).status).toBe(502);
      await world.follow.store(key);
      expect((await http.post(`/connections/${connection}/resume`)).status).toBe(200);
      expect(await world.follow.sync(false)).toMatchObject({ status: 'finished', counts: { failed: 0 } });
      expect(await world.follow.findDifferences()).toEqual([]);
    },
    TIME_MS,
  );

  it(
    'finds that it differs though nothing has changed, and reads everybody again',
    async () => {
      await world.follow.untilCompared(await world.follow.sync(false));
      const some = await world.secondary.rows('SELECT id FROM identities ORDER BY id LIMIT 3');
      await world.secondary.database.transaction(async (tx) => {
        for (const { id } of some) await tx.query('DELETE FROM identities WHERE id = ?', [id]);
      });
      expect((await world.follow.findDifferences()).length).toBe(3);
      expect((await world.follow.sync(false)).status).toBe('finished');
      await world.follow.untilSame();
      expect(await world.secondary.count("events WHERE type = 'connection.source_differs'")).toBe(1);
    },
    TIME_MS,
  );
});
