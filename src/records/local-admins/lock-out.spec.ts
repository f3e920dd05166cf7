import { describe, expect, it } from '@jest/globals';
import { SECOND } from '../../platform/clock.js';
import { lockedUntilAfter } from './lock-out.js';

describe('the wait after wrong passwords', () => {
  it.each([
    [0, null],
    [4, null],
    [5, 15],
    [6, 30],
    [7, 60],
    [10, 480],
    [11, 900],
    [12, 900],
    [1_000_000, 900],
  ])('after %i failures: %s seconds', (failures, seconds) => {
    expect(lockedUntilAfter(failures, 1000)).toBe(seconds === null ? null : 1000 + seconds * SECOND);
  });
});
