import { describe, expect, it } from '@jest/globals';
import { setImmediate } from 'node:timers/promises';
import { Turns } from './turns.js';

describe('turns', () => {
  it('work that shares a key runs in the order of asking, other work beside it, and a failure holds nobody up', async () => {
    const turns = new Turns();
    const told: string[] = [];
    const work =
      (name: string, fails = false) =>
      async () => {
        told.push(`${name}+`);
        await setImmediate();
        told.push(`${name}-`);
        if (fails) throw new Error(name);
        return name;
      };
    const all = await Promise.allSettled([
      turns.take(['a', 'b'], work('1', true)),
      turns.take(['b', 'c'], work('2')),
      turns.take(['c'], work('3')),
      turns.take(['d'], work('4')),
    ]);
    expect(all.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
    const order = told.filter((word) => !word.startsWith('4'));
    expect(order).toEqual(['1+', '1-', '2+', '2-', '3+', '3-']);
    expect(told.indexOf('4+')).toBeLessThan(told.indexOf('1-'));
  });
});
