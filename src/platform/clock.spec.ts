import { describe, expect, it } from '@jest/globals';
import { formatTime, parseTime } from './clock.js';

describe('RFC 3339 times', () => {
  it.each([
    ['2026-11-21T10:00:00Z', 1795255200000000],
    ['2026-11-21T10:00:00.123456789Z', 1795255200123456],
    ['2026-11-21T12:30:00+02:30', 1795255200000000],
    ['2026-02-30T10:00:00Z', null],
    ['2026-11-21', null],
    ['2026-11-21T10:00:00', null],
    ['2026-11-21T25:00:00Z', null],
  ])('reads %s', (text, expected) => {
    expect(parseTime(text)).toBe(expected);
  });

  it('writes what it reads, to the microsecond', () => {
    for (const text of ['2026-11-21T10:00:00.000Z', '2026-11-21T10:00:00.120Z', '2026-11-21T10:00:00.000001Z']) {
      expect(formatTime(parseTime(text) ?? 0)).toBe(text);
    }
  });
});
