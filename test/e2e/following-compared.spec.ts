import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { PrimaryClient } from '../../src/flows/sync/sources/primary-client.js';
import { EventEntity } from '../../src/ledger/event.entity.js';
import { ConnectionSourceEntity } from '../../src/records/sources/source.entity.js';
import { IdentityEntity } from '../../src/records/users/identity.entity.js';
import type { Follow } from '../support/follow.js';
import { followItself } from '../support/follow-itself.js';
import { startApp, type TestApp } from '../support/start-app.js';

describe('the comparison of a copy with its primary', () => {
  let rollcall: TestApp;
  let follow: Follow;

  beforeAll(async () => {
    rollcall = await startApp();
  }, 60_000);
  afterAll(() => rollcall.stop());

  const begin = async (safetyCatch?: { users: number; percent: number; graceHours: number }) => {
    follow = await followItself(rollcall, safetyCatch);
    await follow.push(
      Array.from({ length: 40 }, (_, n) => ({ externalId: `x-${n}`, userName: `user-${n}`, roles: ['viewer'] })),
    );
    await follow.store(await follow.issueKey());
    await follow.untilCompared(await follow.sync(true));
    return [...(await follow.everybody()).primary.keys()];
  };
  const comparedAt = async () => {
    const { http, connection } = follow.secondary;
    const { body } = await http.get<{ comparedAt: string | null }>(`/connections/${connection}/source`);
    return body.comparedAt ?? '';
  };
  const until = async (holds: () => Promise<boolean>) => {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  const untilCompared = (since: string) => until(async () => (await comparedAt()) > since);
  const remove = async (id: string) => expect((await follow.primary.http.delete(`/users/${id}`)).status).toBe(204);
  const isHere = async (id: string) => (await follow.everybody()).secondary.has(id);
  const readings = async () => {
    const { body } = await follow.secondary.http.get<{ items: { mode: string }[] }>(
      `/sync-runs?connection=${follow.secondary.connection}`,
    );
    return body.items.map(({ mode }) => mode);
  };

  it('is shown, and says when the two were last the same, though people change all the time', async () => {
    const [ada = '', bob = ''] = await begin();
    const first = await comparedAt();
    const digest = PrimaryClient.prototype.digest;
    let changes = 0;
    const busy = jest.spyOn(PrimaryClient.prototype, 'digest').mockImplementation(async function (
      this: PrimaryClient,
      ...asked
    ) {
      changes += 1;
      await follow.primary.http[changes % 2 ? 'put' : 'delete'](`/users/${bob}/roles/editor`);
      return digest.apply(this, asked);
    });
    try {
      await remove(ada);
      await follow.sync(false);
      await untilCompared(first);
    } finally {
      busy.mockRestore();
    }
    expect(changes).toBeGreaterThan(0);
    expect(await isHere(ada)).toBe(false);
    expect(await readings()).toEqual(['upsert', 'snapshot']);
  }, 30_000);

  it('where too many change to tell, still removes whom the changes told to be gone, and claims nothing', async () => {
    const [ada = ''] = await begin();
    const first = await comparedAt();
    const moved = { position: Number.MAX_SAFE_INTEGER, changed: null, count: 0, digest: '' };
    const busy = jest.spyOn(PrimaryClient.prototype, 'digest').mockResolvedValue(moved);
    try {
      await remove(ada);
      await follow.sync(false);
      await until(async () => !(await isHere(ada)));
    } finally {
      busy.mockRestore();
    }
    expect(await comparedAt()).toBe(first);
  }, 30_000);

  it('removes whom the changes told to be gone while a run waits for an admin, and has nobody read again for that', async () => {
    const ids = await begin();
    for (const id of ids.slice(0, 20)) await remove(id);
    expect((await follow.sync(false)).status).toBe('held');
    const [ada = ''] = ids.slice(20);
    await remove(ada);
    expect((await follow.sync(false)).status).toBe('finished');
    await until(async () => !(await isHere(ada)));
    expect((await follow.everybody()).secondary.size).toBe(39);
    expect(await readings()).toEqual(['upsert', 'upsert', 'snapshot']);
  }, 30_000);

  it('leaves out whoever is leaving here because they are not there any more', async () => {
    const [ada = ''] = await begin({ users: 3, percent: 10, graceHours: 1 });
    const first = await comparedAt();
    await rollcall.database.transaction(async (tx) => {
      await tx.query('DELETE FROM identities WHERE userId = ?', [ada]);
      await tx.query('DELETE FROM users WHERE id = ?', [ada]);
    });
    expect((await follow.sync(true)).status).toBe('finished');
    await untilCompared(first);
    const { connection } = follow.secondary;
    const { read } = rollcall.database;
    const [leaver] = await read.findBy(IdentityEntity, { connectionId: connection, externalId: ada });
    expect(leaver).toMatchObject({ active: true, leavingAt: expect.any(Number) });
    const { tenantId, state } = await read.findOneByOrFail(ConnectionSourceEntity, { connectionId: connection });
    expect(state).toEqual({ position: expect.any(Number) });
    expect(await read.countBy(EventEntity, { tenantId, type: 'connection.source_differs' })).toBe(0);
  }, 30_000);
});
