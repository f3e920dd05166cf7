import { describe, expect, it, jest } from '@jest/globals';
import { readRetryAfter } from './outbound-answer.js';

const NOW = Date.UTC(1994, 10, 6, 8, 47, 37);

describe('how long a server asks to be left alone', () => {
  it.each<[string, string | undefined, number | null]>([
    ['0', undefined, 0],
    ['120', undefined, 120],
    ['999999999', undefined, 86_400],
    ['Sun, 06 Nov 1994 08:49:37 GMT', undefined, 120],
    ['Sunday, 06-Nov-94 08:49:37 GMT', undefined, 120],
    ['Sun Nov  6 08:49:37 1994', undefined, 120],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 'Sun, 06 Nov 1994 08:49:07 GMT', 30],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 'yesterday', 120],
    ['Sun, 06 Nov 1994 08:40:00 GMT', undefined, 0],
    ['Fri, 31 Dec 9999 23:59:59 GMT', undefined, 86_400],
    ['Sun, 99 Nov 1994 08:49:37 GMT', undefined, null],
    ['-5', undefined, null],
    ['1.5', undefined, null],
    ['2026-11-22T10:00:00Z', undefined, null],
    ['', undefined, null],
  ])('by `Retry-After: %s`, with the date %s, is %s seconds', (text, date, seconds) => {
    const clock = jest.spyOn(Date, 'now').mockReturnValue(NOW);
    try {
      expect(readRetryAfter(text, date)).toBe(seconds);
    } finally {
      clock.mockRestore();
    }
  });

  it('is not said without the header', () => {
    expect(readRetryAfter(undefined, undefined)).toBeNull();
  });
});
