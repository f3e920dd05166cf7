import { describe, expect, it } from '@jest/globals';
import { readConfig } from './config.js';
import { databaseTroubleOf } from './database-errors.js';
import { limitPoolWait, openDatabase, type WaitingPool } from './open-database.js';

const NO_TABLES = { entities: [], migrations: [] };

describe('a database that cannot be opened', () => {
  it.each([
    ['a folder below a file', `${import.meta.filename}/x`, 'that cannot be made: ENOTDIR'],
    ['a file', import.meta.filename, 'that cannot be made: EEXIST'],
  ])('in %s: says so by the name of its setting', async (_, folder, fault) => {
    const config = readConfig({ NODE_ENV: 'test', DATA_DIR: folder });
    await expect(openDatabase(config, NO_TABLES)).rejects.toMatchObject({
      faults: [expect.stringMatching(new RegExp(`^DATA_DIR names a folder ${fault}`))],
    });
  });
});

describe('limitPoolWait', () => {
  it('ends the wait of whoever gets no connection, and gives a late one back to the pool', async () => {
    let give: (() => void) | null = null;
    let released = 0;
    const pool: WaitingPool = {
      getConnection: (done) => {
        give = () => done(null, { release: () => (released += 1) });
      },
    };
    limitPoolWait(pool, 1);
    const answers: unknown[] = [];
    const error = await new Promise((resolve) => {
      pool.getConnection((trouble, given) => {
        answers.push(given);
        resolve(trouble);
      });
    });
    expect(databaseTroubleOf(error)).toBe('unavailable');
    (give as (() => void) | null)?.();
    expect({ answers, released }).toEqual({ answers: [undefined], released: 1 });
  });

  it('hands on what the pool gives in time', async () => {
    const one = { release: () => undefined };
    const pool: WaitingPool = { getConnection: (done) => done(null, one) };
    limitPoolWait(pool, 60_000);
    expect(await new Promise((resolve) => pool.getConnection((_, given) => resolve(given)))).toBe(one);
  });
});
