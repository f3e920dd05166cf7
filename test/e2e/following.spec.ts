import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FollowingWorld } from '../support/following-world.js';

/** A larger number is for an evening: `FOLLOW_USERS=20000`. */
const USERS = Number(process.env.FOLLOW_USERS ?? 4000);
const TIME_MS = 60_000 + USERS * 20;

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
    await world.push(people('First'));
    await world.follow(await world.issueKey());
  }, TIME_MS);
  afterAll(() => world.stop());

  async function expectSame(): Promise<void> {
    const { primary, secondary } = await world.everybody();
    expect(secondary.size).toBe(primary.size);
    const differing = [...primary].filter(([id, one]) => JSON.stringify(secondary.get(id)) !== JSON.stringify(one));
    expect(differing.slice(0, 3).map(([id, one]) => [one, secondary.get(id)])).toEqual([]);
  }
  /** Waits until so many people of the secondary are called so. */
  const untilCalled = (word: string, count: number) =>
    world.secondary.untilCount(count, `users WHERE displayName LIKE '${word} %'`);

  it(
    'the first time takes everybody, though the primary is killed in the middle',
    async () => {
      const run = await world.startSync(true);
      await untilCalled('First', 500);
      await world.killAndStart('primary');
      expect(await world.endOf(run)).toMatchObject({ status: 'finished', counts: { failed: 0 } });
      await expectSame();
    },
    TIME_MS,
  );

  it(
    'then takes what has changed, deletions too, though the secondary is killed in the middle',
    async () => {
      await world.push(people('Second'));
      const { primary } = await world.everybody();
      const deleted = [...primary.keys()].slice(0, 5);
      for (const id of deleted) expect((await world.http.primary.delete(`/users/${id}`)).status).toBe(204);
      const run = await world.startSync(false);
      await untilCalled('Second', 500);
      await world.killAndStart('secondary');
      expect(await world.endOf(run)).toMatchObject({ status: 'finished', counts: { failed: 0 } });
      // Who was deleted is switched off by the run, and removed by the comparison after it.
      await world.secondary.untilCount(1, 'users HAVING COUNT(*) <= ?', USERS - 5);
      await expectSame();
      expect((await world.sync(false)).counts).toMatchObject({ created: 0, updated: 0, failed: 0 });
    },
    TIME_MS,
  );

  it(
    'is suspended when its key is replaced in the middle, and goes on with the new one',
    async () => {
      await world.push(people('Third', USERS - 10));
      const run = await world.startSync(false);
      await untilCalled('Third', 500);
      const key = await world.issueKey();
      expect(await world.endOf(run)).toMatchObject({
        status: 'broken',
        error: expect.stringMatching(/refuses the credential/),
      });
      const path = `/connections/${world.secondary.connection}`;
      const again = await world.http.secondary.post(`${path}/sync`, { full: false });
      expect(again).toMatchObject({ status: 409, body: { code: 'source_suspended' } });
      expect((await world.http.secondary.post(`${path}/resume`)).status).toBe(502);
      await world.follow(key);
      expect((await world.http.secondary.post(`${path}/resume`)).status).toBe(200);
      expect(await world.sync(false)).toMatchObject({ status: 'finished', counts: { failed: 0 } });
      await expectSame();
    },
    TIME_MS,
  );

  it(
    'finds that it differs, and mends that by reading everybody again',
    async () => {
      const lost = 'SELECT id FROM identities WHERE externalId IS NOT NULL ORDER BY id LIMIT 3';
      const ids = (await world.secondary.rows(lost)).map(({ id }) => String(id));
      await world.secondary.database.transaction(async (tx) => {
        for (const id of ids) await tx.query('DELETE FROM identities WHERE id = ?', [id]);
      });
      expect((await world.sync(false)).counts).toMatchObject({ created: 0 });
      await world.secondary.untilCount(
        1,
        "runs WHERE mode = 'snapshot' AND status = 'finished' AND startedAt > ?",
        Date.now() * 1000 - 60_000_000,
      );
      await world.secondary.untilCount(USERS + 10, 'identities');
      await expectSame();
    },
    TIME_MS,
  );
});
