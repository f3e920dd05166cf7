import { fail, pass, type CheckResult, type ClaimContext } from './check-result.js';
import { quote } from './token-fault.js';

/** The last second of the year 9999: a later one is no date, and would not fit a whole number of microseconds. */
const NUMERIC_DATE_MAX = 253_402_300_799;

/** A NumericDate (RFC 7519, section 2), or null. JSON has `1e999`, which reads as infinite. */
export function readNumericDate(value: unknown): number | null {
  return typeof value === 'number' && value >= 0 && value <= NUMERIC_DATE_MAX ? value : null;
}

export function checkExpiry({ claims, nowSeconds, toleranceSeconds }: ClaimContext): CheckResult {
  const exp = readNumericDate(claims['exp']);
  if (exp === null) return fail('exp', 'exp_invalid', `"exp" is ${quote(claims['exp'])}, not a date.`);
  const left = exp + toleranceSeconds - nowSeconds;
  if (left <= 0) return fail('exp', 'exp_passed', `The token ended ${seconds(nowSeconds - exp)} ago.`);
  return pass('exp', `The token ends in ${seconds(exp - nowSeconds)}.`);
}

/** Its age is told from `iat` plus the connection's offset; whether it lies in the future, from `iat` as it stands. */
export function checkIssuedAt({ claims, policy, nowSeconds, toleranceSeconds }: ClaimContext): CheckResult {
  const iat = readNumericDate(claims['iat']);
  if (iat === null) return fail('iat', 'iat_invalid', `"iat" is ${quote(claims['iat'])}, not a date.`);
  if (iat > nowSeconds + toleranceSeconds) {
    return fail('iat', 'iat_in_future', `The token is dated ${seconds(iat - nowSeconds)} ahead.`);
  }
  const age = nowSeconds - iat - policy.iatOffsetSeconds;
  if (age > policy.maxTokenAgeSeconds + toleranceSeconds) {
    return fail('iat', 'iat_too_old', `The token is ${seconds(age)} old; ${policy.maxTokenAgeSeconds} s are allowed.`);
  }
  return pass('iat', `The token is ${seconds(age)} old.`);
}

export function checkLifetime({ claims, policy }: ClaimContext): CheckResult {
  const exp = readNumericDate(claims['exp']);
  const iat = readNumericDate(claims['iat']);
  if (exp === null || iat === null) return fail('lifetime', 'lifetime_too_long', 'It is not known: a date is missing.');
  const lifetime = exp - iat;
  if (lifetime > policy.maxLifetimeSeconds) {
    const allowed = policy.maxLifetimeSeconds;
    return fail('lifetime', 'lifetime_too_long', `The token lives ${seconds(lifetime)}; ${allowed} s are allowed.`);
  }
  return pass('lifetime', `The token lives ${seconds(lifetime)}.`);
}

export function checkNotBefore({ claims, nowSeconds, toleranceSeconds }: ClaimContext): CheckResult {
  if (claims['nbf'] === undefined) return pass('nbf', 'The token has none.');
  const nbf = readNumericDate(claims['nbf']);
  if (nbf === null) return fail('nbf', 'nbf_invalid', `"nbf" is ${quote(claims['nbf'])}, not a date.`);
  if (nbf > nowSeconds + toleranceSeconds) {
    return fail('nbf', 'nbf_in_future', `The token begins in ${seconds(nbf - nowSeconds)}.`);
  }
  return pass('nbf', 'The token has begun.');
}

export function seconds(value: number): string {
  return `${Math.round(value)} s`;
}
