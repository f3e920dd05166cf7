import { describe, expect, it } from '@jest/globals';
import { packNames } from '../records/sync-runs/name-set.js';
import { EntryNames } from './entry-names.js';

describe('the names of entries', () => {
  it('find each entry of whoever was named after it, and nobody else', () => {
    const names = new EntryNames();
    for (let n = 0; n < 5000; n++) names.add(`p-${n}`, n + 1, 100);
    names.add('p-7', 9000, 200);
    const found = (ids: string[], at: number) => {
      const entries = new Set<number>();
      names.find(packNames(ids), at, entries);
      return [...entries].sort((a, b) => a - b);
    };
    expect(found(['p-7', 'p-4999', 'stranger'], 150)).toEqual([8, 5000]);
    expect(found(['p-7'], 201)).toEqual([8, 9000]);
    expect(found(['p-7'], 100)).toEqual([]);
    expect(found([], 1000)).toEqual([]);
    expect(names.size).toBe(5001);
  });
});
