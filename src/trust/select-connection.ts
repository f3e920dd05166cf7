import { readAudiences } from './claim-policy.js';
import type { Members } from './compact-jws.js';
import { findRequiredClaimFault } from './required-claims.js';
import type { TokenFault } from './token-fault.js';
import type { TokenPolicy } from './token-policy.js';

/** So many of the connections that one token may belong to have their keys asked for it. */
const CANDIDATES_MAX = 16;

/** What the caller of a login says to narrow the choice; it never widens it. */
export interface ConnectionNarrowing {
  tenantId?: string | null;
  connectionId?: string | null;
}

export type ConnectionChoice =
  | { kind: 'one'; policy: TokenPolicy }
  /** At most 16, always in the same order; whose keys verify the token is to be tried. */
  | { kind: 'several'; policies: TokenPolicy[] }
  /** `policies` came nearest: those that met all that comes before the fault. For the ledger and Explain. */
  | { kind: 'none'; fault: TokenFault; policies: TokenPolicy[] };

/** Which connections an unverified token may belong to, by `iss`, `aud` and `requiredClaims` (G9, D1, D2). */
export function selectConnection(
  candidates: readonly TokenPolicy[],
  claims: Members,
  narrowing: ConnectionNarrowing = {},
): ConnectionChoice {
  const { iss } = claims;
  if (typeof iss !== 'string') return { kind: 'none', fault: 'issuer_invalid', policies: [] };
  const { tenantId, connectionId } = narrowing;
  const ofIssuer = candidates.filter(
    (policy) =>
      policy.issuer === iss &&
      (!tenantId || policy.tenantId === tenantId) &&
      (!connectionId || policy.connectionId === connectionId),
  );
  if (ofIssuer.length === 0) return { kind: 'none', fault: 'issuer_mismatch', policies: [] };
  const audiences = readAudiences(claims['aud']) ?? [];
  const ofAudience = ofIssuer.filter((policy) => audiences.some((one) => policy.audiences.includes(one)));
  if (ofAudience.length === 0) return { kind: 'none', fault: 'audience_mismatch', policies: ofIssuer };
  const matching = ofAudience.filter((policy) => findRequiredClaimFault(policy.requiredClaims, claims) === null);
  const [policy] = matching;
  if (!policy) return { kind: 'none', fault: 'claim_required', policies: ofAudience };
  return matching.length === 1 ? { kind: 'one', policy } : { kind: 'several', policies: pickCandidates(matching) };
}

/**
 * The oldest first (their ids are in order of time), and of every tenant one before the second of any: a tenant that
 * makes many connections to another's provider does not crowd that one out.
 */
function pickCandidates(policies: readonly TokenPolicy[]): TokenPolicy[] {
  const oldestFirst = [...policies].sort((a, b) => (a.connectionId < b.connectionId ? -1 : 1));
  const ofTenants = new Map<string, number>();
  const placed = oldestFirst.map((policy) => {
    const place = ofTenants.get(policy.tenantId) ?? 0;
    ofTenants.set(policy.tenantId, place + 1);
    return { policy, place };
  });
  placed.sort((a, b) => a.place - b.place);
  return placed.slice(0, CANDIDATES_MAX).map(({ policy }) => policy);
}
