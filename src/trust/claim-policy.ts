import { type Micros, SECOND } from '../platform/clock.js';
import { type Members, readMember } from './compact-jws.js';
import { checkAuthTime, checkContext, checkMethods, checkNonce } from './claim-conditions.js';
import { checkExpiry, checkIssuedAt, checkLifetime, checkNotBefore } from './claim-times.js';
import { findRequiredClaimFault } from './required-claims.js';
import { type CheckResult, type ClaimContext, fail, pass } from './check-result.js';
import { quote } from './token-fault.js';
import { CLOCK_TOLERANCE_SECONDS_MAX, type TokenPolicy } from './token-policy.js';

export interface ClaimExpectations {
  /** The nonce that the caller of the login says it sent. */
  nonce?: string | null;
  /** Issuers of this service's own tokens (D9). */
  ownIssuers?: readonly string[];
}

/** Types of JWT that have another purpose and never log anyone in, whatever a connection lists (RFC 8725, section 3.11). */
const FOREIGN_TYPES: ReadonlySet<string> = new Set([
  'logout+jwt',
  'secevent+jwt',
  'dpop+jwt',
  'oauth-id-jag+jwt',
  'token-introspection+jwt',
  'oauth-authz-req+jwt',
  'client-authentication+jwt',
  'client-attestation+jwt',
  'client-attestation-pop+jwt',
  'authorization-grant+jwt',
  'entity-statement+jwt',
  'kb+jwt',
  'vp+jwt',
  'rollcall+jwt',
]);

const CHECKS: readonly ((context: ClaimContext) => CheckResult)[] = [
  checkOwn,
  checkIssuer,
  checkAudience,
  checkParty,
  checkType,
  checkSubject,
  checkExpiry,
  checkIssuedAt,
  checkLifetime,
  checkNotBefore,
  checkTokenId,
  checkRequiredClaims,
  checkContext,
  checkMethods,
  checkAuthTime,
  checkNonce,
];

/** Judges header and claims of a token by a connection's policy, every check of D1–D9 and D11 with its verdict, in order. */
export function checkClaims(
  policy: TokenPolicy,
  claims: Members,
  header: Members,
  now: Micros,
  expectations: ClaimExpectations = {},
): CheckResult[] {
  const context: ClaimContext = {
    policy,
    claims,
    header,
    nowSeconds: now / SECOND,
    toleranceSeconds: Math.min(Math.max(policy.clockToleranceSeconds, 0), CLOCK_TOLERANCE_SECONDS_MAX),
    expectedNonce: expectations.nonce ?? null,
    ownIssuers: expectations.ownIssuers ?? [],
  };
  return CHECKS.map((check) => check(context));
}

function checkOwn({ claims, ownIssuers }: ClaimContext): CheckResult {
  const { iss } = claims;
  return typeof iss === 'string' && ownIssuers.includes(iss)
    ? fail('own', 'token_own', 'The token was issued by this service.')
    : pass('own', 'The token was issued by another service.');
}

function checkIssuer({ claims, policy }: ClaimContext): CheckResult {
  const { iss } = claims;
  if (typeof iss !== 'string') return fail('iss', 'issuer_invalid', `"iss" is ${quote(iss)}, not a text.`);
  if (iss !== policy.issuer) return fail('iss', 'issuer_mismatch', `"iss" is ${quote(iss)}, not ${policy.issuer}.`);
  return pass('iss', 'It is the issuer of the connection.');
}

function checkAudience({ claims, policy }: ClaimContext): CheckResult {
  const { aud } = claims;
  if (aud === undefined) return fail('aud', 'audience_missing', 'The token has no "aud".');
  const audiences = readAudiences(aud);
  if (!audiences) return fail('aud', 'audience_invalid', `"aud" is ${quote(aud)}, not a text or a list of texts.`);
  if (!audiences.some((one) => policy.audiences.includes(one))) {
    return fail('aud', 'audience_mismatch', `"aud" is ${quote(aud)}; none of ${quote(policy.audiences)}.`);
  }
  return pass('aud', 'It holds an audience of the connection.');
}

/** The audiences of a token (RFC 7519, section 4.1.3); null when they have the wrong shape. */
export function readAudiences(aud: unknown): readonly string[] | null {
  if (typeof aud === 'string') return aud === '' ? null : [aud];
  if (!Array.isArray(aud) || aud.length === 0) return null;
  return aud.every((one) => typeof one === 'string' && one !== '') ? (aud as string[]) : null;
}

/** Who asked for the token: OIDC says `azp`, RFC 9068 `client_id`, Entra `appid`. */
const PARTY_CLAIMS = ['azp', 'client_id', 'appid'];

function checkParty({ claims, policy }: ClaimContext): CheckResult {
  const named = PARTY_CLAIMS.filter((name) => claims[name] !== undefined);
  for (const name of named) {
    const party = claims[name];
    const allowed =
      typeof party === 'string' && (policy.authorizedParties.includes(party) || policy.audiences.includes(party));
    if (!allowed) {
      return fail('azp', 'party_not_allowed', `"${name}" is ${quote(party)}, not among the authorized parties.`);
    }
  }
  if (named.length === 0 && Array.isArray(claims['aud']) && claims['aud'].length > 1) {
    return fail('azp', 'party_missing', 'The token has several audiences and does not say who asked for it.');
  }
  return pass('azp', named.length === 0 ? 'The token names no party.' : 'The party is allowed.');
}

function checkType({ claims, header, policy }: ClaimContext): CheckResult {
  const typ = header['typ'] ?? 'JWT';
  if (typeof typ !== 'string') return fail('typ', 'type_not_allowed', `"typ" is ${quote(typ)}, not a text.`);
  const type = normalizeType(typ);
  if (FOREIGN_TYPES.has(type)) return fail('typ', 'type_not_allowed', `A token of type ${quote(typ)} is no login.`);
  if (!policy.tokenTypes.some((allowed) => normalizeType(allowed) === type)) {
    return fail('typ', 'type_not_allowed', `The type ${quote(typ)} is not among ${quote(policy.tokenTypes)}.`);
  }
  // Older providers do not mark logout tokens and other security events by type; each has this claim (RFC 8417).
  if (claims['events'] !== undefined)
    return fail('typ', 'type_not_allowed', 'A security event ("events") is no login.');
  return pass('typ', 'The type is allowed.');
}

/** RFC 7515, section 4.1.9: `application/` may be left out; media types compare in any case. */
function normalizeType(typ: string): string {
  return typ.toLowerCase().replace(/^application\//, '');
}

function checkSubject({ claims }: ClaimContext): CheckResult {
  const { sub } = claims;
  if (typeof sub !== 'string' || sub === '' || sub.length > 255 || /\p{Cc}/u.test(sub)) {
    return fail('sub', 'subject_invalid', `"sub" is ${quote(sub)}, not a text of 1 to 255 characters.`);
  }
  return pass('sub', 'It is a text of 1 to 255 characters.');
}

function checkTokenId({ claims }: ClaimContext): CheckResult {
  const { jti } = claims;
  if (jti === undefined) return pass('jti', 'The token has none.');
  if (typeof jti !== 'string' || jti === '' || jti.length > 1024) {
    return fail('jti', 'jti_invalid', `"jti" is ${quote(jti)}, not a text of 1 to 1,024 characters.`);
  }
  return pass('jti', 'It is a text.');
}

function checkRequiredClaims({ claims, policy }: ClaimContext): CheckResult {
  const name = findRequiredClaimFault(policy.requiredClaims, claims);
  if (name === null) return pass('requiredClaims', 'Every required claim is there.');
  const seen = quote(readMember(claims, name));
  return fail('requiredClaims', 'claim_required', `"${name}" is ${seen}, not ${quote(policy.requiredClaims[name])}.`);
}
