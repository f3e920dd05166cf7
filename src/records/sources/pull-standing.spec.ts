import { describe, expect, it } from '@jest/globals';
import { DAY, HOUR, MINUTE } from '../../platform/clock.js';
import { type PullFailure, standAfterBreak, standAfterFailure } from './pull-standing.js';

const NOW = 1_000 * DAY;
const failure = (over: Partial<PullFailure> = {}): PullFailure => ({
  isRefusal: false,
  isBusy: false,
  detail: 'hr.example answered with status 500.',
  retryAfterSeconds: null,
  ...over,
});

describe('a source whose pull has failed', () => {
  it('is asked again when the back-off is over, for the same, and for nothing else before', () => {
    const before = { failures: 2, nextAt: NOW + MINUTE, nextFullAt: NOW + DAY };
    const left = { suspendedAt: null, suspendedReason: null, failures: 3 };
    expect(standAfterFailure(before, 'full', failure(), NOW, 5)).toEqual({
      ...left,
      nextAt: NOW + 4 * MINUTE,
      nextFullAt: NOW + 4 * MINUTE,
    });
    expect(standAfterFailure(before, 'changes', failure(), NOW, 5)).toEqual({
      ...left,
      nextAt: NOW + 4 * MINUTE,
      nextFullAt: NOW + DAY,
    });
  });

  it('is asked again without a schedule too', () => {
    const { nextAt, nextFullAt } = standAfterFailure(
      { failures: 0, nextAt: null, nextFullAt: null },
      'changes',
      failure(),
      NOW,
      5,
    );
    expect([nextAt, nextFullAt]).toEqual([NOW + MINUTE, null]);
  });

  it.each([
    ['a minute later, where it says nothing', 0, null, MINUTE],
    ['when it says', 0, 1800, 30 * MINUTE],
    ['not before the back-off of what failed before is over', 4, 30, 8 * MINUTE],
  ])('that is busy is asked again %s, and that does not count as a failure', (_, failures, retryAfterSeconds, wait) => {
    const busy = failure({ isBusy: true, retryAfterSeconds });
    expect(standAfterFailure({ failures, nextAt: NOW, nextFullAt: null }, 'changes', busy, NOW, 1)).toEqual({
      failures,
      nextAt: NOW + wait,
      nextFullAt: null,
      suspendedAt: null,
      suspendedReason: null,
    });
  });

  it('is left alone for as long as it asks, a day at most', () => {
    const nextAfter = (retryAfterSeconds: number) =>
      standAfterFailure(
        { failures: 0, nextAt: NOW, nextFullAt: null },
        'changes',
        failure({ retryAfterSeconds }),
        NOW,
        5,
      ).nextAt;
    expect([nextAfter(1), nextAfter(7200), nextAfter(1e9)]).toEqual([NOW + MINUTE, NOW + 2 * HOUR, NOW + DAY]);
  });

  it.each([
    ['for the fifth time in a row', 4, false, 'hr.example answered with status 500. It failed 5 times in a row.'],
    ['for refusing the credential, at once', 0, true, 'hr.example answered with status 500. It failed once.'],
  ])('is suspended %s, and what failed is due when it is resumed', (_, failures, isRefusal, suspendedReason) => {
    const before = { failures, nextAt: NOW + HOUR, nextFullAt: NOW + DAY };
    expect(standAfterFailure(before, 'changes', failure({ isRefusal }), NOW, 5)).toEqual({
      failures: failures + 1,
      nextAt: NOW,
      nextFullAt: NOW + DAY,
      suspendedAt: NOW,
      suspendedReason,
    });
  });
});

describe('a source that was set otherwise while it was read', () => {
  it.each([
    ['full', { nextAt: NOW + MINUTE, nextFullAt: NOW + DAY }, { nextAt: NOW + MINUTE, nextFullAt: NOW }],
    ['changes', { nextAt: NOW + MINUTE, nextFullAt: null }, { nextAt: NOW, nextFullAt: null }],
    ['full', { nextAt: null, nextFullAt: null }, { nextAt: null, nextFullAt: NOW }],
    ['changes', { nextAt: NOW - MINUTE, nextFullAt: NOW + DAY }, { nextAt: NOW - MINUTE, nextFullAt: NOW + DAY }],
  ] as const)('is to be read for the same at once: %s, %j', (scope, before, after) => {
    expect(standAfterBreak(before, scope, NOW)).toEqual(after);
  });
});
