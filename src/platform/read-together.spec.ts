import { describe, expect, it } from '@jest/globals';
import { ReadTogether } from './read-together.js';

const readings = () => {
  const asked: string[][] = [];
  const reader = new ReadTogether(async (keys) => {
    asked.push([...keys]);
    if (keys.includes('broken')) throw new Error('no database');
    return new Map(keys.filter((key) => key !== 'nobody').map((key) => [key, key.toUpperCase()]));
  });
  return { asked, reader };
};

describe('reads that are asked for together', () => {
  it('are one read, and each is told its own', async () => {
    const { asked, reader } = readings();
    expect(await Promise.all(['a', 'b', 'a', 'nobody'].map((key) => reader.find(key)))).toEqual(['A', 'B', 'A', null]);
    expect(asked).toEqual([['a', 'b', 'nobody']]);
  });

  it('begin after they were asked for: one that comes while another is under way is read anew', async () => {
    const { asked, reader } = readings();
    const first = reader.find('a');
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    await Promise.all([first, reader.find('a')]);
    expect(asked).toEqual([['a'], ['a']]);
  });

  it('fail together, and the next ones are read again', async () => {
    const { reader } = readings();
    const results = await Promise.allSettled([reader.find('a'), reader.find('broken')]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await reader.find('a')).toBe('A');
  });
});
