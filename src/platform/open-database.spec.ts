import { describe, expect, it } from '@jest/globals';
import { databaseTroubleOf } from './database-errors.js';
import { limitPoolWait, type WaitingPool } from './open-database.js';

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
