import { describe, expect, it } from '@jest/globals';
import { DEFAULT_CATCH, trips } from './safety-catch.js';

describe('the safety catch', () => {
  it.each([
    ['two of three go', { deactivated: 2, reduced: 0 }, 3, false],
    ['three of three go', { deactivated: 3, reduced: 0 }, 3, true],
    ['three of thirty go: ten per cent, and no more', { deactivated: 3, reduced: 0 }, 30, false],
    ['three of twenty-nine go', { deactivated: 3, reduced: 0 }, 29, true],
    ['three lose roles', { deactivated: 0, reduced: 3 }, 29, true],
    ['two go and two lose roles: each by itself is few', { deactivated: 2, reduced: 2 }, 4, false],
    ['nobody was there before', { deactivated: 3, reduced: 0 }, 0, true],
    ['a thousand of a million go', { deactivated: 1000, reduced: 1000 }, 1_000_000, false],
    ['nobody goes', { deactivated: 0, reduced: 0 }, 0, false],
  ])('%s', (_, losing, people, expected) => {
    expect(trips(DEFAULT_CATCH, losing, people)).toBe(expected);
  });

  it.each([
    ['one user, no per cent: everything that takes away', { users: 1, percent: 0 }, 1, true],
    ['a hundred per cent: nothing', { users: 1, percent: 100 }, 1000, false],
  ])('set to %s', (_, limits, deactivated, expected) => {
    expect(trips(limits, { deactivated, reduced: 0 }, 1000)).toBe(expected);
  });
});
