import type { Person, UserState } from './person.js';
import type { ConnectionPolicy } from './policy.js';
import { deriveProfile, ownerOf } from './profile.js';

/**
 * The person without one of their identities and without what it gave; null if nothing else holds the user.
 *
 * Another identity does, and a password of Rollcall's own (`hasPassword`): ways to log in. An admin's grant does not:
 * nobody could use it any more but a namesake whom an address links to the user later.
 *
 * The profile follows from the identities that are left. Of what the removed one alone stated, the names stay, so that
 * admins know whom they see; address and attributes go.
 */
export function removeIdentity(
  person: Person,
  identityId: string,
  hasPassword: boolean,
  findPolicy: (connectionId: string) => ConnectionPolicy | null,
): Person | null {
  const identities = person.identities.filter(({ id }) => id !== identityId);
  if (identities.length === 0 && !hasPassword) return null;
  const left: Person = {
    ...person,
    identities,
    grants: person.grants.filter((grant) => grant.source !== 'connection' || grant.identityId !== identityId),
  };
  const user = withoutOrphans(person, left, findPolicy);
  return { ...left, user: deriveProfile({ ...left, user }, findPolicy) };
}

/**
 * Whether the user's address still counts as verified without the identities of a connection: by an admin's word, or by
 * whoever of those that are left states it.
 */
export function staysVerified(
  person: Person,
  connectionId: string,
  findPolicy: (connectionId: string) => ConnectionPolicy | null,
): boolean {
  const { email, emailVerified } = person.user;
  // What a mapping that does not compile any more has stated is not known.
  const mayOwn = ownerOf(person, 'email', findPolicy) === connectionId || findPolicy(connectionId) === null;
  if (!emailVerified || !mayOwn) return emailVerified;
  const left = { ...person, identities: person.identities.filter((one) => one.connectionId !== connectionId) };
  if (ownerOf(left, 'email', findPolicy) === null) return false;
  const derived = deriveProfile(left, findPolicy);
  return derived.email === email && derived.emailVerified;
}

function withoutOrphans(
  before: Person,
  left: Person,
  findPolicy: (connectionId: string) => ConnectionPolicy | null,
): UserState {
  const isOrphan = (field: string): boolean =>
    ownerOf(before, field, findPolicy) !== null && ownerOf(left, field, findPolicy) === null;
  const user = { ...before.user };
  if (user.email !== null && isOrphan('email')) Object.assign(user, { email: null, emailVerified: false });
  const attributes = Object.entries(user.attributes).filter(([name]) => !isOrphan(`attributes.${name}`));
  if (attributes.length < Object.keys(user.attributes).length) user.attributes = Object.fromEntries(attributes);
  return user;
}
