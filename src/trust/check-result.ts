import type { Members } from './compact-jws.js';
import type { TokenFault } from './token-fault.js';
import type { TokenPolicy } from './token-policy.js';

/** The verdict of one check, for Explain; a login looks at the first that failed. */
export type CheckResult =
  { check: string; ok: true; detail: string } | { check: string; ok: false; fault: TokenFault; detail: string };

/** What the checks of one token look at. Times of tokens are NumericDates: seconds, perhaps with a fraction. */
export interface ClaimContext {
  policy: TokenPolicy;
  claims: Members;
  header: Members;
  nowSeconds: number;
  toleranceSeconds: number;
  expectedNonce: string | null;
  ownIssuers: readonly string[];
}

export function pass(check: string, detail: string): CheckResult {
  return { check, ok: true, detail };
}

export function fail(check: string, fault: TokenFault, detail: string): CheckResult {
  return { check, ok: false, fault, detail };
}
