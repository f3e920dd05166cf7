import type { Micros } from '../../platform/clock.js';
import { SECOND } from '../../platform/clock.js';
import { backOffOf, type NextPulls, type PullScope } from './pull-schedule.js';

/** How a source stands after its last pull. */
export interface PullStanding extends NextPulls {
  /** In a row. */
  failures: number;
  /** Since when nothing is read from it until an admin resumes it. */
  suspendedAt: Micros | null;
  suspendedReason: string | null;
}

export interface PullFailure {
  /** The source refuses the credential: trying it again may lock it. */
  isRefusal: boolean;
  /** The source, or this service, has too much to do just now: that is no fault of the source, and ends by itself. */
  isBusy: boolean;
  detail: string;
  /** How long the source asks to be left alone. */
  retryAfterSeconds: number | null;
}

const RETRY_AFTER_SECONDS_MAX = 24 * 3600;

/**
 * After a pull that failed: it is tried again when the back-off is over, and nothing else is asked of the source before.
 * Refused, or for the `failuresMax`th time in a row: suspended; what has failed is due as soon as it is resumed. A source
 * that is busy is asked again no sooner than it says, and that does not count.
 */
export function standAfterFailure(
  before: NextPulls & { failures: number },
  scope: PullScope,
  failure: PullFailure,
  now: Micros,
  failuresMax: number,
): PullStanding {
  const failures = before.failures + (failure.isBusy ? 0 : 1);
  const isSuspended = failure.isRefusal || (!failure.isBusy && failures >= failuresMax);
  const asked = Math.min(failure.retryAfterSeconds ?? 0, RETRY_AFTER_SECONDS_MAX) * SECOND;
  const again = isSuspended ? now : now + Math.max(backOffOf(Math.max(failures, 1)), asked);
  const notBefore = (next: Micros | null): Micros | null => (next === null ? null : Math.max(next, again));
  const times = failures === 1 ? 'once' : `${failures} times in a row`;
  return {
    failures,
    nextAt: scope === 'changes' ? again : notBefore(before.nextAt),
    nextFullAt: scope === 'full' ? again : notBefore(before.nextFullAt),
    suspendedAt: isSuspended ? now : null,
    suspendedReason: isSuspended ? `${failure.detail} It failed ${times}.`.slice(0, 500) : null,
  };
}

/** After a pull that was broken off because the source was set otherwise: what it should have read is due at once. */
export function standAfterBreak({ nextAt, nextFullAt }: NextPulls, scope: PullScope, now: Micros): NextPulls {
  const due = (next: Micros | null): Micros => Math.min(next ?? now, now);
  return scope === 'full' ? { nextAt, nextFullAt: due(nextFullAt) } : { nextAt: due(nextAt), nextFullAt };
}
