import type { Micros } from '../../platform/clock.js';

/** What is stored about a refresh token, its session, and all that the session stands on. */
export interface RefreshFacts {
  token: { usedAt: Micros | null; expiresAt: Micros };
  /** When the token that follows it expires; null while there is none. */
  successorExpiresAt: Micros | null;
  session: { createdAt: Micros; expiresAt: Micros; endedAt: Micros | null };
  tenantActive: boolean;
  userSuspended: boolean;
  /** Null for a local admin's session, which no connection opened. */
  connection: { exists: boolean; active: boolean; loginEnabled: boolean } | null;
  identity: { exists: boolean; active: boolean; notBefore: Micros | null } | null;
}

export type RefreshVerdict =
  /** The first use: it is replaced by its successor. */
  | 'rotate'
  /** A second use inside the grace: it is answered with the same successor. */
  | 'repeat'
  /** A use after the grace: somebody has a copy; the session ends. */
  | 'reused'
  /** The session does not go on. */
  | 'refused';

/**
 * What becomes of the use of a refresh token (RFC 9700, section 4.14.2), F2 to F4 of what a login promises: single use
 * with a grace, an idle and an absolute end, and everything that let the user in must still hold.
 */
export function judgeRefresh(facts: RefreshFacts, graceMicros: Micros, now: Micros): RefreshVerdict {
  const { token, session } = facts;
  if (session.endedAt !== null || session.expiresAt <= now) return 'refused';
  // Before the other checks: a stolen token shall end its session, whatever else is wrong with it.
  if (token.usedAt !== null && token.usedAt + graceMicros <= now) return 'reused';
  if (token.expiresAt <= now) return 'refused';
  if (!stillWelcome(facts)) return 'refused';
  if (token.usedAt === null) return 'rotate';
  // Without a living successor there is nothing to repeat: it expired, or was derived under another secret.
  return facts.successorExpiresAt !== null && facts.successorExpiresAt > now ? 'repeat' : 'refused';
}

function stillWelcome(facts: RefreshFacts): boolean {
  const { connection, identity, session } = facts;
  if (!facts.tenantActive || facts.userSuspended) return false;
  if (connection && !(connection.exists && connection.active && connection.loginEnabled)) return false;
  if (!identity) return true;
  if (!identity.exists || !identity.active) return false;
  return identity.notBefore === null || identity.notBefore <= session.createdAt;
}
