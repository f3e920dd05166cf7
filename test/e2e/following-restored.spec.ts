import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { CopyCheck } from '../../src/flows/sync/copy-check.js';
import { EventEntity } from '../../src/ledger/event.entity.js';
import { ConnectionSourceEntity } from '../../src/records/sources/source.entity.js';
import type { Follow } from '../support/follow.js';
import { followItself } from '../support/follow-itself.js';
import { startApp, type TestApp } from '../support/start-app.js';

/** All that the primary knows of some people. */
type Backup = [table: string, rows: Record<string, unknown>[]][];

describe('of a primary that was restored from a backup, a follower', () => {
  let rollcall: TestApp;
  let follow: Follow;
  let ids: string[];

  beforeAll(async () => {
    rollcall = await startApp();
  }, 60_000);
  afterAll(() => rollcall.stop());
  beforeEach(async () => {
    follow = await followItself(rollcall);
    const people = Array.from({ length: 40 }, (_, n) => ({ externalId: `x-${n}`, userName: `user-${n}` }));
    await follow.push(people);
    await follow.store(await follow.issueKey());
    await follow.untilCompared(await follow.sync(true));
    ids = [...(await follow.everybody()).primary.keys()];
  });

  const backUp = async (some: readonly string[]): Promise<Backup> => {
    const keys = some.map(() => '?').join();
    const tables = Object.entries({ users: 'id', identities: 'userId', grants: 'userId' });
    const rows = tables.map(async ([table, column]) => {
      const sql = `SELECT * FROM ${table} WHERE ${column} IN (${keys})`;
      return [table, await rollcall.database.read.query(sql, [...some])] as Backup[number];
    });
    return Promise.all(rows);
  };
  /** Nobody is told of it. */
  const lose = (some: readonly string[]) =>
    rollcall.database.transaction(async (tx) => {
      for (const id of some) {
        await tx.query('DELETE FROM grants WHERE userId = ?', [id]);
        await tx.query('DELETE FROM identities WHERE userId = ?', [id]);
        await tx.query('DELETE FROM users WHERE id = ?', [id]);
      }
    });
  const restore = async (some: readonly string[], backup: Backup) => {
    await lose(some);
    await rollcall.database.transaction(async (tx) => {
      for (const [table, rows] of backup) {
        for (const row of rows) {
          const names = Object.keys(row);
          const values = Object.values(row).map((value) =>
            typeof value === 'object' && value !== null && !Buffer.isBuffer(value) ? JSON.stringify(value) : value,
          );
          await tx.query(`INSERT INTO ${table} (${names.join()}) VALUES (${names.map(() => '?').join()})`, values);
        }
      }
    });
  };
  /** No comparison after a run removes anybody, or has everybody read again. */
  const unchecked = async (work: () => Promise<void>) => {
    const check = jest.spyOn(rollcall.app.get(CopyCheck), 'check').mockResolvedValue();
    await work().finally(() => check.mockRestore());
  };
  const grant = (id: string, role: string) => follow.primary.http.put(`/users/${id}/roles/${role}`);
  const eventsOf = async (type: string) => {
    const { tenantId } = await rollcall.database.read.findOneByOrFail(ConnectionSourceEntity, {
      connectionId: follow.secondary.connection,
    });
    return rollcall.database.read.countBy(EventEntity, { tenantId, type });
  };

  it('takes people as they are there again, once, and then follows what changes', async () => {
    const [ada = '', bob = ''] = ids;
    const backup = await backUp([ada, bob]);
    await grant(ada, 'editor');
    await grant(bob, 'viewer');
    await follow.sync(false);
    expect(await follow.findDifferences()).toEqual([]);
    await restore([ada, bob], backup);
    const checking = jest.spyOn(rollcall.app.get(CopyCheck), 'check');
    await follow.sync(false);
    // It differs, so everybody is read, and compared again.
    await follow.untilSame();
    while (checking.mock.results.length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
    const { secondary } = await follow.everybody();
    expect(secondary.get(ada)).toMatchObject({ roles: [] });
    await grant(ada, 'viewer');
    await follow.sync(false);
    while (checking.mock.results.length < 3) await new Promise((resolve) => setTimeout(resolve, 20));
    for (const { value } of checking.mock.results) await value;
    checking.mockRestore();
    expect(await follow.findDifferences()).toEqual([]);
    expect((await follow.everybody()).secondary.get(ada)).toMatchObject({ roles: ['viewer'] });
    expect(await eventsOf('connection.source_differs')).toBe(1);
  }, 30_000);

  it(
    'takes from many people what they do not have there once an admin has agreed',
    () =>
      unchecked(async () => {
        const some = ids.slice(0, 10);
        const backup = await backUp(some);
        for (const id of some) await grant(id, 'editor');
        await follow.sync(false);
        await restore(some, backup);
        const run = await follow.sync(true);
        expect(run).toMatchObject({ status: 'held', counts: { held: 10 } });
        expect((await follow.secondary.http.post(`/sync-runs/${run.id}/approve`)).status).toBeLessThan(300);
        expect(await follow.endOf(run.id)).toMatchObject({ status: 'finished', counts: { updated: 10, stale: 0 } });
        expect(await follow.findDifferences()).toEqual([]);
      }),
    30_000,
  );

  it(
    'has whoever was missing in between back as of the version that they have there',
    () =>
      unchecked(async () => {
        const [ada = ''] = ids;
        const backup = await backUp([ada]);
        await lose([ada]);
        await follow.sync(true);
        expect((await follow.everybody()).secondary.get(ada)).toMatchObject({ active: false });
        await restore([ada], backup);
        await follow.sync(true);
        expect(await follow.findDifferences()).toEqual([]);
      }),
    30_000,
  );
});
