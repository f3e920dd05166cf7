import { hash } from 'node:crypto';
import { readToken, type TokenReading } from '../../plan/read-token.js';
import type { Json, Statement } from '../../plan/statement.js';
import { type Micros, SECOND } from '../../platform/clock.js';
import type { KnownConnection } from '../../provisioning/connection-policies.js';
import type { TokenPolicy } from '../../trust/token-policy.js';

const policies = new WeakMap<KnownConnection, TokenPolicy>();

/** What a connection demands of a token, out of its settings. */
export function tokenPolicyOf(known: KnownConnection): TokenPolicy {
  let policy = policies.get(known);
  if (!policy) {
    const { row } = known;
    const { bannedKids, fetchedSince: keysSince } = row.keyOrders ?? {};
    const words = { connectionId: row.id, tenantId: row.tenantId, issuer: row.issuer, bannedKids, keysSince };
    policy = { ...row.settings, ...words } as TokenPolicy;
    policies.set(known, policy);
  }
  return policy;
}

/** Whether logins through it are possible at all. */
export function acceptsLogins({ row, tenantActive }: KnownConnection): boolean {
  return tenantActive && row.status === 'active' && row.settings.login.enabled;
}

/** What a verified token's claims say, by the connection's mapping. */
export function readClaims(
  known: KnownConnection,
  claims: Readonly<Record<string, unknown>>,
  now: Micros,
): TokenReading {
  const { emailVerified, mapping } = known.policy;
  return readToken(mapping, claims as Record<string, Json>, { emailVerified, now });
}

/** One token as a statement: the token's voice, at the time of its `iat`. */
export function toStatement(known: KnownConnection, { faults: _, ...reading }: TokenReading, at: Micros): Statement {
  return { connectionId: known.row.id, voice: 'token', at, newest: false, ...reading };
}

/** The mark of a token that logs in once only: a digest. Null where the connection or the token knows no such thing (D10). */
export function markOf({ row }: KnownConnection, { jti }: Readonly<Record<string, unknown>>): string | null {
  return row.settings.oneTime && typeof jti === 'string' ? hash('sha256', `${row.id} ${jti}`, 'base64url') : null;
}

/** When the person signed in at the IdP, and how (OpenID Connect Core, section 2). */
export function readSignIn(claims: Readonly<Record<string, unknown>>, issuedAt: Micros) {
  const { auth_time: authTime, amr } = claims;
  return {
    authTime: typeof authTime === 'number' ? Math.min(Math.round(authTime * SECOND), issuedAt) : issuedAt,
    amr: Array.isArray(amr) ? amr.filter((each): each is string => typeof each === 'string').slice(0, 20) : [],
  };
}

/** Whether the sign-in is so long ago that the session which it opens would be over already (rule 7). */
export function isSignInOver(
  { row }: KnownConnection,
  claims: Readonly<Record<string, unknown>>,
  issuedAt: Micros,
  now: Micros,
): boolean {
  return readSignIn(claims, issuedAt).authTime + row.settings.login.maxSessionSeconds * SECOND <= now;
}
