import { describe, expect, it } from '@jest/globals';
import { SECOND } from '../../platform/clock.js';
import { LOST_AFTER, rateOf, statusOf, withParts } from './run-state.js';

const NOW = 1_000 * SECOND;

describe('a run', () => {
  it.each([
    ['push', 'running', 0, 'running'],
    ['push', 'running', LOST_AFTER, 'running'],
    ['push', 'running', LOST_AFTER + 1, 'broken'],
    ['import', 'running', LOST_AFTER + 1, 'broken'],
    ['replan', 'running', 1000 * LOST_AFTER, 'running'],
    ['pull', 'running', 1000 * LOST_AFTER, 'running'],
    ['groups', 'running', 1000 * LOST_AFTER, 'running'],
    ['push', 'finished', 1000 * LOST_AFTER, 'finished'],
    ['push', 'cancelled', 1000 * LOST_AFTER, 'cancelled'],
  ] as const)('a %s that was %s %d µs ago is %s', (kind, status, ago, expected) => {
    expect(statusOf({ kind, status, phase: 'writing', aliveAt: NOW - ago }, NOW)).toBe(expected);
  });

  it('is never broken while it takes away: another instance goes on with that', () => {
    const lost = { kind: 'push', status: 'running', phase: 'removing', aliveAt: NOW - 1000 * LOST_AFTER } as const;
    expect(statusOf(lost, NOW)).toBe('running');
  });

  it('counts all of its parts, and is done up to the first gap', () => {
    const part = (from: number) => ({ part: from, upTo: from + 9, counts: { created: 9, failed: 1 } });
    const start = { upTo: 10, counts: { created: 10 } };
    expect(withParts(start, [part(11), part(21), part(41)])).toEqual({ upTo: 30, counts: { created: 37, failed: 3 } });
    expect(withParts(start, [part(31)])).toEqual({ upTo: 10, counts: { created: 19, failed: 1 } });
  });

  it('tells its rate over the time that it took, or has taken so far', () => {
    const run = { counts: { created: 30, failed: 5 }, startedAt: NOW, aliveAt: NOW + 4 * SECOND, finishedAt: null };
    expect(rateOf(run)).toBe(8.8);
    expect(rateOf({ ...run, finishedAt: NOW + 2 * SECOND })).toBe(17.5);
    expect(rateOf({ ...run, aliveAt: NOW })).toBe(0);
  });
});
