import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { NameSet, packNames } from './name-set.js';

describe('a set of names', () => {
  it('lacks exactly what was not put into it, whatever the names and however often they come', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.array(fc.string()), (named, others) => {
        const set = new NameSet();
        set.addPacked(packNames(named));
        set.addPacked(packNames(named));
        expect(set.size).toBe(new Set(named).size);
        for (const each of [...named, ...others]) expect(set.lacks(each)).toBe(!named.includes(each));
      }),
    );
  });

  it('gone through share by share, says the same of everybody, once', () => {
    const named = Array.from({ length: 20_000 }, (_, n) => `u-${n}`);
    const shares = [0, 1, 2].map((share) => new NameSet({ share, of: 3 }));
    for (const each of shares) each.addPacked(packNames(named));
    expect(shares.reduce((sum, { size }) => sum + size, 0)).toBe(named.length);
    expect(Math.max(...shares.map(({ size }) => size))).toBeLessThan(7500);
    for (const each of named) expect(shares.some((set) => set.lacks(each))).toBe(false);
    for (let n = 0; n < 1000; n++) expect(shares.filter((set) => set.lacks(`other-${n}`)).length).toBe(1);
  });

  it('keeps a million names in 40 MiB', () => {
    const set = new NameSet();
    for (let start = 0; start < 1_000_000; start += 50_000) {
      set.addPacked(packNames(Array.from({ length: 50_000 }, (_, n) => `u-${start + n}`)));
    }
    expect(set.size).toBe(1_000_000);
    expect(set.bytes).toBeLessThan(40 * 2 ** 20);
  }, 60_000);
});
