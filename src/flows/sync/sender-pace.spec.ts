import { describe, expect, it } from '@jest/globals';
import { SenderPace } from './sender-pace.js';

const LIMITS = { windowMs: 1000, bytesMin: 100 };

/** Each time `bytes` more after so long; whether that was too slow. */
function send(pace: SenderPace, times: readonly [waitedMs: number, bytes: number][], before = 0): boolean[] {
  let sum = before;
  return times.map(([waitedMs, bytes]) => pace.isTooSlow(waitedMs, (sum += bytes)));
}

describe('the pace of a sender', () => {
  it('is too slow where less comes in a window than has to', () => {
    expect(
      send(
        new SenderPace(0, LIMITS),
        Array.from({ length: 10 }, () => [100, 9]),
      ),
    ).toEqual([...Array.from({ length: 9 }, () => false), true]);
  });

  it('is not where as much comes as has to, in each window anew, whatever came of the connection before', () => {
    const enough = Array.from({ length: 30 }, (): [number, number] => [100, 10]);
    expect(send(new SenderPace(5000, LIMITS), enough, 5000)).not.toContain(true);
    const stops: [number, number][] = [...enough, [999, 0], [1, 0]];
    expect(send(new SenderPace(5000, LIMITS), stops, 5000).at(-1)).toBe(true);
  });

  it('does not count the time in which nobody waits for the sender', () => {
    expect(
      send(
        new SenderPace(0, LIMITS),
        Array.from({ length: 9999 }, () => [0, 0]),
      ),
    ).not.toContain(true);
  });
});
