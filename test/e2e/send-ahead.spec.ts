import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { EntityManager } from 'typeorm';
import { newId } from '../../src/platform/ids.js';
import { execute, insertRows, selectRows, writeTogether } from '../../src/platform/sql.js';
import { LeaseEntity } from '../../src/platform/lease.entity.js';
import { startApp, type TestApp } from '../support/start-app.js';

const UNTIL = 9_000_000_000_000_000;

describe('statements of a transaction that are sent together', () => {
  let rollcall: TestApp;
  beforeAll(async () => {
    rollcall = await startApp();
    // Only what a connection has prepared is sent ahead: all of the pool have these.
    const warm = () =>
      rollcall.database.transaction(async (tx) => {
        await insert(tx, newId())();
        await raise(tx, 'nobody', 1)();
      });
    await Promise.all(Array.from({ length: 30 }, warm));
  });
  afterAll(() => rollcall.stop());

  const insert = (tx: EntityManager, name: string) => () =>
    insertRows(tx, 'leases', ['name', 'holder', 'until'], [[name, 'h', UNTIL]]);
  const raise = (tx: EntityManager, name: string, by: number) => () =>
    execute(tx, 'UPDATE leases SET until = until + ? WHERE name = ?', [by, name]);
  const read = (tx: EntityManager, name: string) => () =>
    selectRows(tx, 'SELECT name, until FROM leases WHERE name = ?', [name]);
  const findNames = async (beginning: string): Promise<string[]> => {
    const rows = await rollcall.database.read.findBy(LeaseEntity, {});
    return rows.map(({ name }) => name).filter((name) => name.startsWith(beginning));
  };

  it('take effect in their order, and each gets its own answer', async () => {
    const answers = await rollcall.database.transaction((tx) =>
      writeTogether(tx, [
        read(tx, 'order'),
        insert(tx, 'order'),
        read(tx, 'order'),
        raise(tx, 'order', 5),
        read(tx, 'order'),
        read(tx, 'order'),
      ]),
    );
    expect([answers[0], answers[2], answers[4], answers[5]]).toEqual([
      [],
      [{ name: 'order', until: UNTIL }],
      [{ name: 'order', until: UNTIL + 5 }],
      [{ name: 'order', until: UNTIL + 5 }],
    ]);
  });

  it('are all undone when one of them fails, those behind it too', async () => {
    const refused = rollcall.database.transaction((tx) =>
      writeTogether(tx, [
        insert(tx, 'undone-1'),
        insert(tx, 'order'),
        insert(tx, 'undone-2'),
        raise(tx, 'order', 100),
        insert(tx, 'undone-3'),
      ]),
    );
    await expect(refused).rejects.toThrow(/order|UNIQUE/);
    expect(await findNames('undone')).toEqual([]);
    expect(await rollcall.database.read.findOneBy(LeaseEntity, { name: 'order' })).toMatchObject({ until: UNTIL + 5 });
  });

  it('leave the connection as it was: the next transaction on it is one', async () => {
    const tries = Array.from({ length: 30 }, (_, index) =>
      rollcall.database
        .transaction(async (tx) => {
          await insert(tx, `given-up-${index}`)();
          throw new Error('given up');
        })
        .catch(() => undefined),
    );
    await Promise.all(tries);
    expect(await findNames('given-up')).toEqual([]);
    await Promise.all(
      Array.from({ length: 30 }, (_, index) => rollcall.database.transaction((tx) => insert(tx, `kept-${index}`)())),
    );
    expect(await findNames('kept')).toHaveLength(30);
  });

  it('of the victim of a deadlock none stays, though the server ends its transaction before it reads them all', async () => {
    const rounds = 20;
    await rollcall.database.transaction(async (tx) => {
      for (let round = 0; round < rounds; round++) {
        await insert(tx, `first-${round}`)();
        await insert(tx, `second-${round}`)();
      }
    });
    const committed: string[] = [];
    let attempts = 0;
    const cross = async (round: number, names: readonly [string, string], meet: () => Promise<void>) => {
      let mark = '';
      await rollcall.database.transaction(async (tx) => {
        mark = `mark-${round}-${names[0]}-${++attempts}`;
        await raise(tx, `${names[0]}-${round}`, 1)();
        await meet();
        await writeTogether(tx, [raise(tx, `${names[1]}-${round}`, 1), insert(tx, mark), raise(tx, 'order', 1)]);
      });
      committed.push(mark);
    };
    for (let round = 0; round < rounds; round++) {
      const meet = meeting(rollcall.database.engine === 'mysql' ? 2 : 1);
      await Promise.all([cross(round, ['first', 'second'], meet), cross(round, ['second', 'first'], meet)]);
    }
    expect((await findNames('mark')).sort()).toEqual(committed.sort());
    const order = await rollcall.database.read.findOneBy(LeaseEntity, { name: 'order' });
    expect(order?.until).toBe(UNTIL + 5 + 2 * rounds);
    // On a server every round is a deadlock, with one victim; SQLite has one writer at a time.
    expect(attempts).toBe(rollcall.database.engine === 'mysql' ? 3 * rounds : 2 * rounds);
  });
});

/** Those who come wait until so many have come; who comes later does not. */
function meeting(expected: number): () => Promise<void> {
  let come = 0;
  let open: () => void = () => undefined;
  const all = new Promise<void>((resolve) => (open = resolve));
  return () => {
    if (++come === expected) open();
    return all;
  };
}
