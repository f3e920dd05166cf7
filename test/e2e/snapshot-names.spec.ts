import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { RemovalPreview } from '../../src/flows/sync/removal-preview.js';
import { noteEarlierTry, Snapshots } from '../../src/flows/sync/snapshots.js';
import { Clock, HOUR, MINUTE } from '../../src/platform/clock.js';
import type { SqlValue } from '../../src/platform/database.js';
import { newId } from '../../src/platform/ids.js';
import { insertRows } from '../../src/platform/sql.js';
import { Sweeper } from '../../src/platform/sweeper.js';
import { MissingPeople } from '../../src/provisioning/missing-people.js';
import { RemovalGuard } from '../../src/provisioning/removal-guard.js';
import type { NameSet } from '../../src/records/sync-runs/name-set.js';
import { RunSeenEntity } from '../../src/records/sync-runs/run.entity.js';
import { findUnreadable, readNamed, SEEN_COLUMNS, seenRows } from '../../src/records/sync-runs/seen-names.js';
import { seedConnection } from '../support/seed-connection.js';
import { seedTenantWithRoles } from '../support/seed-persons.js';
import { startApp, type TestApp } from '../support/start-app.js';

/** `SNAPSHOT_NAMES=1000000` for the long way. */
const MANY = Number(process.env.SNAPSHOT_NAMES ?? 100_000);

describe('whom pushes have named', () => {
  let rollcall: TestApp;
  let tenantId: string;
  let connectionId: string;
  beforeAll(async () => {
    rollcall = await startApp();
    tenantId = await seedTenantWithRoles(rollcall, 'acme');
    connectionId = await seedConnection(rollcall, tenantId, 'okta');
  });
  afterAll(() => rollcall.stop());

  const idsOf = (prefix: string, count: number) => Array.from({ length: count }, (_, n) => `${prefix}-${n}`);
  async function note(prefix: string, count: number, at: number, chunk = 500): Promise<string> {
    const run = { id: newId(), tenantId, connectionId };
    for (let from = 0; from < count; from += 50_000) {
      const rows: SqlValue[][] = [];
      const some = idsOf(prefix, Math.min(count, from + 50_000)).slice(from);
      for (let start = 0; start < some.length; start += chunk) {
        const naming = { at, externalIds: some.slice(start, start + chunk), unreadable: null };
        rows.push(...seenRows(run, { part: from + start + 1, ...naming }));
      }
      await rollcall.database.transaction((tx) => insertRows(tx, 'run_seen', SEEN_COLUMNS, rows));
    }
    return run.id;
  }
  async function readAll(since: number, namesMax?: number): Promise<NameSet[]> {
    const sets: NameSet[] = [];
    for await (const set of readNamed(rollcall.database.read, connectionId, since, namesMax)) sets.push(set);
    return sets;
  }

  it('is known since any moment, of many runs and of rows that came at one moment; in shares as small as memory asks', async () => {
    await note('early', 1500, 1000);
    await note('same', 1500, 2000, 7);
    await note('other', 300, 2000, 1);
    const [all] = await readAll(2000);
    expect([all?.size, all?.lacks('same-1499'), all?.lacks('other-299'), all?.lacks('early-3')]).toEqual([
      1800,
      false,
      false,
      true,
    ]);
    const shares = await readAll(1000, 1000);
    expect(shares.length).toBe(4);
    expect(shares.reduce((sum, { size }) => sum + size, 0)).toBe(3300);
    const named = [...idsOf('early', 1500), ...idsOf('same', 1500), ...idsOf('other', 300)];
    expect(named.filter((id) => shares.some((set) => set.lacks(id)))).toEqual([]);
    expect(shares.filter((set) => set.lacks('nobody')).length).toBe(1);
  });

  it('is not known of a record that nobody can read, by its number', async () => {
    const run = { id: newId(), tenantId, connectionId };
    const rows = [
      ...seenRows(run, { part: 1, at: 1, externalIds: ['a'], unreadable: null }),
      ...seenRows(run, { part: 501, at: 1, externalIds: [], unreadable: 507 }),
      ...seenRows(run, { part: 1001, at: 1, externalIds: ['b'], unreadable: 1002 }),
    ];
    await rollcall.database.transaction((tx) => insertRows(tx, 'run_seen', SEEN_COLUMNS, rows));
    expect(await findUnreadable(rollcall.database.read, run.id)).toBe(507);
    expect(await findUnreadable(rollcall.database.read, newId())).toBeNull();
  });

  it(`${MANY} of them fit into 40 bytes each, and reading them keeps nobody waiting`, async () => {
    await note('many', MANY, 5000);
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const [all] = await readAll(5000);
    delay.disable();
    expect(all?.size).toBe(MANY);
    expect(all?.bytes).toBeLessThan(40 * MANY);
    // Of a machine with other work to do: the median says what this work does.
    expect(delay.percentile(50) / 1e6).toBeLessThan(20);
  }, 120_000);

  it('by a dry run is remembered up to a number: beyond it nobody is taken for missing, and it says so', async () => {
    const guard = new RemovalGuard('hold', { users: 3, percent: 10, graceHours: 0 }, null);
    const truth = { connectionId, scope: '', statedAt: 1 };
    const preview = new RemovalPreview({ id: newId(), tenantId, connectionId, truth }, guard, 10);
    const people = rollcall.app.get(MissingPeople);
    const find = jest.spyOn(people, 'find');
    const flawAfter = async (names: string[]) => {
      preview.note([], { at: 2, externalIds: names, unreadable: null });
      await preview.findMissing(people).next();
      return (await preview.tell(rollcall.database.read, 2))?.error;
    };
    expect(await flawAfter(idsOf('few', 10))).toBeUndefined();
    expect(find).toHaveBeenCalledTimes(1);
    expect(await flawAfter(idsOf('more', 1))).toMatch(/up to 10 people/);
    expect(find).toHaveBeenCalledTimes(1);
    find.mockRestore();
  });

  describe('a clock that is set while a snapshot comes in', () => {
    const truth = (statedAt: number) => ({ connectionId, scope: 'clock', statedAt });
    const gather = (forwardMicros: number, statedAt = Date.now() * 1000, aliveAt = 0) => {
      const offset = { micros: 0 };
      const clock = Object.assign(new Clock(), { now: () => Date.now() * 1000 + offset.micros });
      const snapshots = new Snapshots(rollcall.database, clock, rollcall.app.get(MissingPeople));
      const mark = snapshots.markClock();
      noteEarlierTry(mark, { aliveAt });
      offset.micros = forwardMicros;
      const run = { id: newId(), tenantId, connectionId };
      return snapshots.gather(run, truth(statedAt), mark, new AbortController().signal);
    };
    it.each([
      ['an hour forward', HOUR],
      ['an hour back', -HOUR],
    ])('%s: nobody is taken for missing', async (_, jump) => {
      expect((await gather(jump)).error).toMatch(/the clock was set/);
    });
    it('and was ahead when the snapshot was begun, by another try: nobody is taken for missing', async () => {
      const now = Date.now() * 1000;
      expect((await gather(0, now + 2 * MINUTE)).error).toMatch(/the clock was set/);
      expect((await gather(0, now, now + 2 * MINUTE)).error).toMatch(/the clock was set/);
      expect((await gather(0, now, now - HOUR)).error).toBeNull();
    });
    it('by a second: that does not matter', async () => {
      expect((await gather(1_000_000)).error).toBeNull();
    });
    it('that took longer than names are kept takes nobody for missing', async () => {
      expect((await gather(0, Date.now() * 1000 - 9 * 24 * HOUR)).error).toMatch(/too long/);
    });
  });

  it('is forgotten after eight days', async () => {
    await rollcall.app.get(Sweeper).sweep();
    expect(await rollcall.database.read.countBy(RunSeenEntity, { connectionId })).toBe(0);
  });
});
