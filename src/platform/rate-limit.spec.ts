import { describe, expect, it } from '@jest/globals';
import { callerKeyOf, RateLimit } from './rate-limit.js';

describe('the rate limit', () => {
  const at = (perMinute: number, keysMax?: number) => {
    const clock = { ms: 0 };
    return { clock, limit: new RateLimit(perMinute, () => clock.ms, keysMax) };
  };

  it('lets a minute of requests through at once, and names the wait for the next', () => {
    const { limit } = at(3);
    expect([1, 2, 3, 4].map(() => limit.take('a'))).toEqual([0, 0, 0, 20]);
  });

  it('refills evenly, and never beyond one minute of requests', () => {
    const { clock, limit } = at(3);
    for (let count = 0; count < 4; count++) limit.take('a');
    clock.ms = 20_000;
    expect([limit.take('a'), limit.take('a')]).toEqual([0, 20]);
    clock.ms = 3_600_000;
    expect([1, 2, 3, 4].map(() => limit.take('a'))).toEqual([0, 0, 0, 20]);
  });

  it('is not prolonged by asking while it holds', () => {
    const { clock, limit } = at(1);
    limit.take('a');
    for (clock.ms = 0; clock.ms < 60_000; clock.ms += 1000) expect(limit.take('a')).toBeGreaterThan(0);
    expect(limit.take('a')).toBe(0);
  });

  it('counts each caller alone', () => {
    const { limit } = at(1);
    expect([limit.take('a'), limit.take('b'), limit.take('a')]).toEqual([0, 0, 60]);
  });

  it('keeps its memory bounded under a flood of callers, and forgets the longest unused first', () => {
    const { limit } = at(1, 100);
    for (let count = 0; count < 99; count++) limit.take(`old-${count}`);
    limit.take('busy');
    for (let count = 0; count < 1000; count++) {
      limit.take(`flood-${count}`);
      expect(limit.take('busy')).toBeGreaterThan(0);
    }
    expect(limit.size).toBe(100);
  });

  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['not an address', 'not an address'],
  ])('takes %s for the caller %s', (address, key) => {
    expect(callerKeyOf(address)).toBe(key);
  });
});
