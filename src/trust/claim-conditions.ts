import { fail, pass, type CheckResult, type ClaimContext } from './check-result.js';
import { readNumericDate, seconds } from './claim-times.js';
import { quote } from './token-fault.js';

// Conditions on the sign-in at the IdP (D11). An absent claim fails: a provider that says nothing has promised nothing.

const NO_CONDITION = 'The connection has no such condition.';

export function checkContext({ claims, policy }: ClaimContext): CheckResult {
  const allowed = policy.conditions.acr;
  if (!allowed) return pass('acr', NO_CONDITION);
  const { acr } = claims;
  return typeof acr === 'string' && allowed.includes(acr)
    ? pass('acr', 'It is one of those allowed.')
    : fail('acr', 'acr_unmet', `"acr" is ${quote(acr)}, none of ${quote(allowed)}.`);
}

export function checkMethods({ claims, policy }: ClaimContext): CheckResult {
  const wanted = policy.conditions.amr;
  if (!wanted) return pass('amr', NO_CONDITION);
  const { amr } = claims;
  return Array.isArray(amr) && wanted.every((method) => amr.includes(method))
    ? pass('amr', 'It holds every method wanted.')
    : fail('amr', 'amr_unmet', `"amr" is ${quote(amr)} and does not hold all of ${quote(wanted)}.`);
}

export function checkAuthTime({ claims, policy, nowSeconds, toleranceSeconds }: ClaimContext): CheckResult {
  const ageMax = policy.conditions.maxAuthAgeSeconds;
  if (ageMax === undefined) return pass('auth_time', NO_CONDITION);
  const authTime = readNumericDate(claims['auth_time']);
  if (authTime === null) {
    return fail('auth_time', 'auth_time_unmet', `"auth_time" is ${quote(claims['auth_time'])}, not a date.`);
  }
  const age = nowSeconds - authTime;
  return age <= ageMax + toleranceSeconds && age >= -toleranceSeconds
    ? pass('auth_time', `The sign-in was ${seconds(age)} ago.`)
    : fail('auth_time', 'auth_time_unmet', `The sign-in was ${seconds(age)} ago; ${ageMax} s are allowed.`);
}

/** A nonce that the caller names is compared even where the connection does not ask for one. */
export function checkNonce({ claims, policy, expectedNonce }: ClaimContext): CheckResult {
  if (expectedNonce === null) {
    return policy.conditions.nonce
      ? fail('nonce', 'nonce_unmet', 'The caller did not say which nonce to expect.')
      : pass('nonce', NO_CONDITION);
  }
  return expectedNonce !== '' && claims['nonce'] === expectedNonce
    ? pass('nonce', 'It is the one expected.')
    : fail('nonce', 'nonce_unmet', 'It is not the one expected.');
}
