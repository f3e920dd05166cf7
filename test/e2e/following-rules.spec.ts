import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { CopyCheck } from '../../src/flows/sync/copy-check.js';
import { PullOrders } from '../../src/flows/sync/pull-orders.js';
import { parseTime } from '../../src/platform/clock.js';
import { ConnectionSourceEntity } from '../../src/records/sources/source.entity.js';
import { followItself } from '../support/follow-itself.js';
import { Follow } from '../support/follow.js';
import { startApp, type TestApp } from '../support/start-app.js';

describe('what a follower makes of what it is told', () => {
  let rollcall: TestApp;
  let follow: Follow;

  beforeAll(async () => {
    rollcall = await startApp();
  }, 60_000);
  afterAll(() => rollcall.stop());
  beforeEach(async () => {
    follow = await followItself(rollcall);
    await follow.push(people(40));
    await follow.store(await follow.issueKey());
  });

  const people = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ externalId: `x-${n}`, userName: `user-${n}`, roles: ['editor'] }));
  const idsAtPrimary = async () =>
    new Map([...(await follow.everybody()).primary].map(([id, { userName }]) => [String(userName), id]));

  /** Nobody tells of it. */
  const forget = (id: string) =>
    rollcall.database.transaction(async (tx) => {
      await tx.query('DELETE FROM identities WHERE userId = ?', [id]);
      await tx.query('DELETE FROM users WHERE id = ?', [id]);
    });

  it('works as docs/following.md shows it', async () => {
    const text = await readFile('docs/following.md', 'utf8');
    const [, connection = {}, source = {}] = [...text.matchAll(/```json\n([^`]+)```/g)].map(
      ([, body]) => JSON.parse(body ?? '') as object,
    );
    const { primary, secondary } = follow;
    const made = await secondary.http.post<{ id: string }>('/connections', connection);
    expect(made.status).toBe(201);
    const key = await follow.issueKey();
    const credential = { kind: 'bearer', token: key.sync_api_key };
    const own = { ...source, url: primary.http.url, primaryId: key.primary_id, credential };
    expect((await secondary.http.put(`/connections/${made.body.id}/source`, own)).status).toBe(200);
    const shown = new Follow(primary, { ...secondary, connection: made.body.id });
    expect(await shown.sync(false)).toMatchObject({ status: 'finished', counts: { created: 40, failed: 0 } });
    expect(await shown.findDifferences()).toEqual([]);
  });

  it('a role that it does not have, or not allow, fails the record by name; allowed, everybody is as they should be', async () => {
    const { primary, secondary } = follow;
    expect(
      (await primary.http.post('/roles', { key: 'pilot', name: 'Pilot', permissions: ['reports:read'] })).status,
    ).toBe(201);
    const ids = await idsAtPrimary();
    const pilots = [ids.get('user-1') ?? '', ids.get('user-2') ?? ''];
    for (const id of pilots) await primary.http.put(`/users/${id}/roles/pilot`);
    const run = await follow.sync(true);
    expect(run).toMatchObject({ status: 'finished', counts: { created: 38, failed: 2 } });
    const failures = await secondary.http.get<{ items: { externalId: string; problem: { detail: string } }[] }>(
      `/sync-runs/${run.id}/failures`,
    );
    expect(failures.body.items.map(({ externalId }) => externalId).sort()).toEqual([...pilots].sort());
    expect(JSON.stringify(failures.body)).toMatch(/pilot/);

    const path = `/connections/${secondary.connection}`;
    await secondary.http.post('/roles', { key: 'pilot', name: 'Pilot', permissions: ['reports:read'] });
    const { body } = await secondary.http.get<{ version: number }>(path);
    const allowed = { allowedRoles: ['viewer', 'editor', 'pilot'] };
    expect((await secondary.http.patch(path, allowed, { 'if-match': `"${body.version}"` })).status).toBe(200);
    expect(await follow.sync(true)).toMatchObject({ status: 'finished', counts: { created: 2, failed: 0 } });
    expect(await follow.findDifferences()).toEqual([]);
  });

  it('an account that becomes another user’s is theirs here too, and a user who was made anew under a name is the new one', async () => {
    await follow.sync(true);
    const { primary } = follow;
    const ids = await idsAtPrimary();
    const [survivor = '', merged = '', gone = ''] = ['user-3', 'user-4', 'user-5'].map((name) => ids.get(name) ?? '');
    expect((await primary.http.post(`/users/${survivor}/merge`, { from: merged, reason: 'twice' })).status).toBe(200);
    expect((await primary.http.delete(`/users/${gone}`)).status).toBe(204);
    await follow.push([{ externalId: 'y-5', userName: 'user-5', roles: ['viewer'] }]);
    await follow.sync(false);
    await follow.untilSame();
    const { secondary } = await follow.everybody();
    expect(secondary.has(merged) || secondary.has(gone)).toBe(false);
    expect(secondary.size).toBe(39);
  }, 30_000);

  it('more deletions than the safety catch lets pass wait for an admin; then they are deletions', async () => {
    await follow.sync(true);
    const ids = [...(await idsAtPrimary()).values()].slice(0, 20);
    for (const id of ids) await follow.primary.http.delete(`/users/${id}`);
    const run = await follow.sync(false);
    expect(run).toMatchObject({ status: 'held', counts: { held: 20 } });
    expect((await follow.everybody()).secondary.size).toBe(40);
    expect((await follow.secondary.http.post(`/sync-runs/${run.id}/approve`)).status).toBeLessThan(300);
    await follow.endOf(run.id);
    await follow.sync(false);
    await follow.untilSame();
    expect((await follow.everybody()).secondary.size).toBe(20);
  }, 30_000);

  it('who is gone is off from the moment after their last version, so that any later one brings them back', async () => {
    await follow.sync(true);
    const [[id = '', told] = []] = (await follow.everybody()).primary;
    // Whoever is not there any more is removed after the run.
    const unchecked = jest.spyOn(rollcall.app.get(CopyCheck), 'check').mockResolvedValue();
    try {
      expect((await follow.primary.http.delete(`/users/${id}`)).status).toBe(204);
      expect((await follow.sync(false)).status).toBe('finished');
    } finally {
      unchecked.mockRestore();
    }
    const [row] = await rollcall.database.read.query<{ facts: string | object; active: number }[]>(
      'SELECT facts, active FROM identities WHERE connectionId = ? AND externalId = ?',
      [follow.secondary.connection, id],
    );
    const facts = (typeof row?.facts === 'string' ? JSON.parse(row.facts) : row?.facts) as { push: { at: number } };
    expect(Number(row?.active)).toBe(0);
    expect(facts.push.at).toBe((parseTime(String(told?.statedAt)) ?? 0) + 1);
  }, 30_000);

  it.each([
    ['knows less than was read of it', 1000],
    ['knows as much again', 0],
  ])(
    'a primary that was restored from a backup, and %s, has nobody removed before everybody is read',
    async (_, behind) => {
      await follow.push([{ externalId: 'x-0', userName: 'user-0', roles: ['editor'], active: false }]);
      await follow.untilCompared(await follow.sync(true));
      const id = (await idsAtPrimary()).get('user-0') ?? '';
      await forget(id);
      const { connection } = follow.secondary;
      const isHere = async () => (await follow.everybody()).secondary.has(id);
      const { read } = rollcall.database;
      const { state } = await read.findOneByOrFail(ConnectionSourceEntity, { connectionId: connection });
      const position = (state as { position: number }).position + behind;
      await rollcall.database.transaction((tx) =>
        tx.update(ConnectionSourceEntity, { connectionId: connection }, { state: { position } }),
      );
      const orders = rollcall.app.get(PullOrders);
      const order = orders.order.bind(orders);
      // That everybody is read is the cure; here, what is done before.
      const ordering = jest
        .spyOn(orders, 'order')
        .mockImplementation((id, scope, actor) =>
          scope === 'full' ? Promise.reject(new Error('later')) : order(id, scope, actor),
        );
      const checking = jest.spyOn(rollcall.app.get(CopyCheck), 'check');
      try {
        expect((await follow.sync(false)).status).toBe('finished');
        while (checking.mock.results.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
        await expect(checking.mock.results[0]?.value).rejects.toThrow('later');
      } finally {
        ordering.mockRestore();
        checking.mockRestore();
      }
      expect(await isHere()).toBe(true);
      await follow.sync(true);
      await follow.untilSame();
      expect(await isHere()).toBe(false);
    },
    30_000,
  );

  it('who was missed while the feed did not tell of them is missing from everybody, and goes', async () => {
    await follow.untilCompared(await follow.sync(true));
    const [id = ''] = (await idsAtPrimary()).values();
    await forget(id);
    await follow.sync(false);
    await follow.untilSame();
    expect((await follow.everybody()).secondary.has(id)).toBe(false);
  }, 30_000);

  it('an attribute that is taken away there is taken away here', async () => {
    await follow.sync(true);
    await follow.push([{ externalId: 'x-0', attributes: { floor: 1, desk: 2 } }]);
    await follow.sync(false);
    expect(await follow.findDifferences()).toEqual([]);
    await follow.push([{ externalId: 'x-0', attributes: { floor: null } }]);
    await follow.sync(false);
    expect(await follow.findDifferences()).toEqual([]);
  }, 30_000);
});
