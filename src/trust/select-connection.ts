import { readAudiences } from './claim-policy.js';
import type { Members } from './compact-jws.js';
import { findRequiredClaimFault } from './required-claims.js';
import type { TokenFault } from './token-fault.js';
import type { TokenPolicy } from './token-policy.js';

/** What the caller of a login says to narrow the choice; it never widens it. */
export interface ConnectionNarrowing {
  tenantId?: string | null;
  connectionId?: string | null;
}

export type ConnectionChoice =
  | { kind: 'one'; policy: TokenPolicy }
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
  return matching.length === 1 ? { kind: 'one', policy } : { kind: 'several', policies: matching };
}

/** Issuers that sign for everybody: their word alone does not say whose customer somebody is. */
export const SHARED_ISSUERS: readonly string[] = [
  'https://accounts.google.com',
  'https://appleid.apple.com',
  'https://www.facebook.com',
  'https://www.linkedin.com/oauth',
  'https://slack.com',
  'https://login.salesforce.com',
  'https://api.login.yahoo.com',
  'https://access.line.me',
  'https://gitlab.com',
  'https://token.actions.githubusercontent.com',
  'https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0',
];

/** The addresses of Entra that stand for any tenant, in each of its clouds, by path. */
const ENTRA_HOSTS =
  /^(login\.microsoftonline\.(com|us)|login\.partner\.microsoftonline\.cn|login\.chinacloudapi\.cn|sts\.windows\.net|sts\.chinacloudapi\.cn|login\.windows\.net)$/;
const ENTRA_ANYONE =
  /^\/(common|organizations|consumers|\{tenantid\}|%7btenantid%7d|9188040d-6c67-4c5b-b112-36a304b66dad)(\/|$)/;

/** Whether an issuer signs for people of unrelated organisations. Host and trailing slash compare loosely, to be safe. */
export function isSharedIssuer(issuer: string): boolean {
  const text = /^https?:\/\//i.test(issuer) ? issuer : `https://${issuer}`;
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const path = url.pathname.toLowerCase().replace(/\/+$/, '');
  if (ENTRA_HOSTS.test(url.hostname) && (ENTRA_ANYONE.test(path) || path === '')) return true;
  return SHARED_ISSUERS.includes(`https://${url.hostname}${path}`);
}

/** Claims that say nothing of which organisation somebody belongs to. */
const TELLING_NOTHING: ReadonlySet<string> = new Set(['iss', 'aud', 'azp', 'client_id', 'appid', 'exp', 'iat', 'nbf']);

/** Why a connection may not be saved with a shared issuer, in words, or null (G9). */
export function findSharedIssuerFault(
  issuer: string,
  requiredClaims: Readonly<Record<string, unknown>>,
): string | null {
  if (!isSharedIssuer(issuer) || Object.keys(requiredClaims).some((name) => !TELLING_NOTHING.has(name))) return null;
  return 'This issuer signs for everybody: say in requiredClaims which of its people are meant, such as {"hd": "example.com"}.';
}
