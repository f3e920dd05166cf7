import { describe, expect, it } from '@jest/globals';
import { HOUR, MINUTE, SECOND } from '../../platform/clock.js';
import { countGuess, forgiveGuess, type Guesses, lastLock, lockedUntilAfter, NO_GUESSES } from './lock-out.js';

const START = 1_000 * HOUR;

/** Guesses wrong each second for so long, each time from the network named; answers how many counted. */
function guess(from: Guesses, seconds: number, networkAt: (second: number) => string): [number, Guesses] {
  let guesses = from;
  let counted = 0;
  for (let second = 0; second < seconds; second++) {
    const next = countGuess(guesses, networkAt(second), START + second * SECOND);
    if (next) counted += 1;
    guesses = next ?? guesses;
  }
  return [counted, guesses];
}

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

  it('is that of the network that guessed, and no other one’s', () => {
    const [counted, guesses] = guess(NO_GUESSES, 3600, () => 'a');
    expect(counted).toBeLessThan(15);
    const now = START + HOUR;
    expect(lastLock(guesses)).toBeGreaterThan(now);
    expect(countGuess(guesses, 'a', now)).toBeNull();
    expect(countGuess(guesses, 'b', now)).not.toBeNull();
  });

  it('lets many networks together guess twenty times, and then ten times a minute', () => {
    const [counted, guesses] = guess(NO_GUESSES, 3600, (second) => `network ${second}`);
    expect(counted).toBe(20 + 10 * 60 - 1);
    expect(guesses.networks).toHaveLength(100);
    expect(countGuess(guesses, 'another', START + HOUR + 6 * SECOND)).not.toBeNull();
  });

  it('ends for a network with the right password, which costs the others nothing', () => {
    const [, tried] = guess(NO_GUESSES, 4, () => 'a');
    const right = countGuess(tried, 'b', START + MINUTE);
    expect(right && forgiveGuess(right, 'b')).toEqual({ allUntil: START + MINUTE, networks: tried.networks });
    expect(forgiveGuess(tried, 'a').networks).toEqual([]);
    expect(lastLock(tried)).toBeNull();
  });
});
