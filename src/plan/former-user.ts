import type { Micros } from '../platform/clock.js';
import type { Directory } from './directory.js';
import type { BlockState, IdentityState, Person } from './person.js';
import type { ConnectionPolicy } from './policy.js';
import type { Statement } from './statement.js';

/** What is kept for a while of a user whose identity its source deleted, so that who returns keeps the id. */
export interface FormerUser {
  userId: string;
  /** The user's version at the end: the events of one who returns go on from it. */
  version: number;
  /** What admins said against the user outlives a deletion that is not theirs; what they gave does not. */
  suspended: boolean;
  blocks: BlockState[];
  removedAt: Micros;
  /** From here on it counts no more, whether it is still stored or not. */
  expiresAt: Micros;
}

/**
 * The names by which a connection's account is known again: what pushes call it, and what tokens call it. Never its
 * user name or an address, which a namesake may be given.
 */
export function accountNamesOf({ externalId, subject }: Pick<IdentityState, 'externalId' | 'subject'>): string[] {
  const names: string[] = [];
  if (externalId !== null) names.push(pushedName(externalId));
  if (subject !== null) names.push(tokenName(subject));
  return names;
}

export const pushedName = (externalId: string): string => `externalId ${externalId}`;
export const tokenName = (subject: string): string => `subject ${subject}`;

/**
 * In the place of a subject, for the trace of a deleted identity that no token had been bound to: what a token calls
 * itself. No subject reads like this.
 */
export const nameTrace = (userNameKey: string): string => `\u0000userName ${userNameKey}`;

/** The former user whose account this statement speaks of; null if there is none, or it is too long ago. */
export function findFormerUser(directory: Directory, statement: Statement, now: Micros): FormerUser | null {
  for (const name of namesIn(statement)) {
    const former = directory.findFormer(statement.connectionId, name);
    if (former && former.expiresAt > now) return former;
  }
  return null;
}

function namesIn({ voice, externalId, subject, match }: Statement): string[] {
  const names: string[] = [];
  if (voice === 'token' && subject !== null) names.push(tokenName(subject));
  if (externalId !== null) names.push(pushedName(externalId));
  for (const { field, value } of match ?? []) if (field === 'externalId') names.push(pushedName(value));
  return names;
}

/**
 * May the returning account be put to the user again, who is still there because something else holds them? Only where
 * it comes by nothing: a privileged role or an admin's grant was given to somebody, and the source alone says that
 * this is still the same person.
 */
export function mayRejoin({ identities, grants }: Person, policy: ConnectionPolicy): boolean {
  if (identities.some(({ connectionId }) => connectionId === policy.id)) return false;
  return !grants.some(
    ({ source, kind, key }) => source === 'admin' || (kind === 'role' && policy.roles.get(key)?.privileged !== false),
  );
}
