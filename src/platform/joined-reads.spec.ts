import { describe, expect, it } from '@jest/globals';
import { JoinedReads } from './joined-reads.js';

/** A store whose reads end when the test says so; a read sees what is stored when it begins. */
function slowStore(stored: Map<string, number>) {
  const ends: ((error?: Error) => void)[] = [];
  const asked: string[][] = [];
  const reads = new JoinedReads<number>((keys) => {
    asked.push(keys);
    const seen = new Map([...stored].filter(([key]) => keys.includes(key)));
    return new Promise((resolve, reject) => ends.push((error) => (error ? reject(error) : resolve(seen))));
  });
  const end = async (error?: Error) => {
    await turn();
    ends.shift()?.(error);
    await turn();
  };
  return { reads, asked, end };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('reads that are asked for at the same time', () => {
  it('go together, each key once, and each gets its own', async () => {
    const { reads, asked, end } = slowStore(new Map([['a', 1]]));
    const found = Promise.all([reads.find('a'), reads.find('b'), reads.find('a')]);
    await end();
    expect(await found).toEqual([1, null, 1]);
    expect(asked).toEqual([['a', 'b']]);
  });

  it('see what was stored when they were asked for, though another read of the same key is running', async () => {
    const stored = new Map([['a', 1]]);
    const { reads, asked, end } = slowStore(stored);
    const before = reads.find('a');
    await turn();
    stored.set('a', 2);
    const after = Promise.all([reads.find('a'), reads.find('a')]);
    await end();
    await end();
    expect([await before, await after]).toEqual([1, [2, 2]]);
    expect(asked).toEqual([['a'], ['a']]);
  });

  it('fail together, and the next ones do not', async () => {
    const { reads, end } = slowStore(new Map([['a', 1]]));
    const failing = Promise.allSettled([reads.find('a'), reads.find('b')]);
    await end(new Error('away'));
    expect((await failing).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const found = reads.find('a');
    await end();
    expect(await found).toBe(1);
  });
});
