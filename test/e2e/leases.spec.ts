import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { DAY, HOUR, SECOND } from '../../src/platform/clock.js';
import { newId } from '../../src/platform/ids.js';
import { LeaseEntity } from '../../src/platform/lease.entity.js';
import { Leases } from '../../src/platform/leases.js';
import { Sweeper } from '../../src/platform/sweeper.js';
import { HandClock, SessionWorld } from '../support/session-world.js';
import { startApp, type TestApp } from '../support/start-app.js';

describe('work that one instance alone does', () => {
  let rollcall: TestApp;
  let clock: HandClock;
  let leases: Leases;
  beforeAll(async () => {
    rollcall = await startApp();
    clock = new HandClock(rollcall);
    leases = rollcall.app.get(Leases);
  });
  afterAll(() => rollcall.stop());

  it('a lease that nobody ever held is taken by exactly one of many', async () => {
    let running = 0;
    let finish: () => void = () => undefined;
    const othersAreRefused = new Promise<void>((resolve) => (finish = resolve));
    let refused = 0;
    const attempts = Array.from({ length: 12 }, async () => {
      const ran = await leases.run('new', 60_000, () => {
        running++;
        return othersAreRefused;
      });
      if (ran === null && ++refused === 11) finish();
    });
    await Promise.all(attempts);
    expect(running).toBe(1);
  });

  it('a lease is free again after its work, also when that failed', async () => {
    await expect(leases.run('fails', 60_000, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await leases.run('fails', 60_000, async () => 'done')).toEqual({ result: 'done' });
  });

  it('a lease whose holder died is free after its time, and not before', async () => {
    await rollcall.database.transaction((tx) =>
      tx.insert(LeaseEntity, { name: 'dead', holder: newId(), until: clock.now() + 60 * SECOND }),
    );
    expect(await leases.run('dead', 60_000, async () => 'ran')).toBeNull();
    clock.pass(61 * SECOND);
    const ran = await Promise.all(Array.from({ length: 6 }, () => leases.run('dead', 60_000, async () => 'ran')));
    expect(ran.filter(Boolean).length).toBeGreaterThanOrEqual(1);
  });

  it('a lease whose holder died while its clock ran ahead is free by the right one, and one of a clock that differs is not', async () => {
    const left = (name: string, until: number) =>
      rollcall.database.transaction((tx) => tx.insert(LeaseEntity, { name, holder: newId(), until }));
    await left('far ahead', clock.now() + 30 * DAY);
    await left('a little ahead', clock.now() + HOUR / 2);
    expect(await leases.run('far ahead', 60_000, async () => 'ran')).toEqual({ result: 'ran' });
    expect(await leases.run('a little ahead', 60_000, async () => 'ran')).toBeNull();
  });

  it('a holder that lost its lease is told so, and does not end the next one’s', async () => {
    let lostBy: AbortSignal | undefined;
    await leases.run('short', 30, async (lost) => {
      lostBy = lost;
      await rollcall.database.transaction((tx) => tx.update(LeaseEntity, { name: 'short' }, { holder: 'another' }));
      await new Promise((resolve) => lost.addEventListener('abort', resolve));
    });
    expect(lostBy?.aborted).toBe(true);
    const row = await rollcall.database.read.findOneByOrFail(LeaseEntity, { name: 'short' });
    expect(row.holder).toBe('another');
    expect(row.until).toBeGreaterThan(0);
  });

  it('a holder whose database does not answer keeps its lease until its time is over, and is told then', async () => {
    await leases.run('away', 30, async (lost) => {
      clock.pass(-HOUR);
      const away = jest.spyOn(rollcall.database, 'transaction').mockRejectedValue(new Error('away'));
      while (away.mock.calls.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
      expect(lost.aborted).toBe(false);
      clock.pass(HOUR);
      while (!lost.aborted) await new Promise((resolve) => setTimeout(resolve, 5));
      away.mockRestore();
    });
    expect(await leases.run('away', 60_000, async () => 'ran')).toEqual({ result: 'ran' });
  });

  it('transactions under one lock run one after the other', async () => {
    let inside = 0;
    let most = 0;
    const work = () =>
      rollcall.database.transaction(async (tx) => {
        await leases.lock(tx, 'lock');
        most = Math.max(most, ++inside);
        await tx.query('SELECT 1');
        inside--;
      });
    await Promise.all(Array.from({ length: 10 }, work));
    expect(most).toBe(1);
  });

  it('the sweep deletes what expired long ago, with its parts, and nothing else', async () => {
    const world = await new SessionWorld(rollcall, clock).build();
    const who = await world.addUser();
    const old = await world.open(who);
    const refreshed = (token: string) => rollcall.http.post('/auth/refresh', { refresh_token: token });
    await refreshed(old.refreshToken);
    await world.set('UPDATE used_refresh_tokens SET expiresAt = ?', [clock.now() - DAY - SECOND]);
    await refreshed((await world.open(who)).refreshToken);
    await rollcall.database.transaction(async (tx) => {
      for (let at = 0; at < 450; at++) {
        const expiresAt = at < 430 ? clock.now() - HOUR : clock.now() + HOUR;
        await tx.query(
          'INSERT INTO identity_traces (connectionId, subjectHash, notBefore, expiresAt) VALUES (?, ?, ?, ?)',
          ['c', `s${at}`, 0, expiresAt],
        );
      }
      for (const [key, expiresAt] of [
        ['old', clock.now() - HOUR],
        ['new', clock.now() + HOUR],
      ] as const) {
        await tx.query(
          'INSERT INTO idempotency_keys (principalId, requestKey, requestHash, heldUntil, expiresAt) VALUES (?, ?, ?, ?, ?)',
          ['p', key, 'h', 0, expiresAt],
        );
        await tx.query('INSERT INTO idempotency_parts (principalId, requestKey, part, results) VALUES (?, ?, ?, ?)', [
          'p',
          key,
          1,
          '[]',
        ]);
      }
    });
    expect(await rollcall.app.get(Sweeper).sweep()).toEqual({
      used_refresh_tokens: 1,
      sessions: 0,
      idempotency_keys: 1,
      identity_traces: 430,
      former_users: 0,
      departures: 0,
      removal_hours: 0,
      run_seen: 0,
      run_failures: 0,
      runs: 0,
      scim_requests: 0,
    });
    const parts = await rollcall.database.read.query<object[]>('SELECT requestKey FROM idempotency_parts');
    expect(parts.map((each) => ({ ...each }))).toEqual([{ requestKey: 'new' }]);
    expect((await rollcall.http.as(old.accessToken).get('/auth/me')).status).toBe(200);
    expect(await rollcall.app.get(Sweeper).sweep()).toMatchObject({ identity_traces: 0, used_refresh_tokens: 0 });
  });
});
