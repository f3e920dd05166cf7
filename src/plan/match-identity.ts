import type { Micros } from '../platform/clock.js';
import { emailDomain, normaliseKey } from '../platform/text-key.js';
import type { Directory, FoundIdentity } from './directory.js';
import type { EffectiveFacts } from './effective.js';
import { readStated } from './facts.js';
import type { PlanProblem } from './outcome.js';
import type { Person } from './person.js';
import type { ConnectionPolicy, PlanContext } from './policy.js';
import { isAddressProven } from './profile.js';
import type { MatchValue, Statement } from './statement.js';

export interface Identified {
  found: FoundIdentity | null;
  /** The token's subject is new to the identity, and is bound to it for good. */
  binds: boolean;
}

/** Whose statement it is (rule 5); never by a bare e-mail, and never across connections (E1). */
export function identify(directory: Directory, statement: Statement): Identified {
  const { connectionId, identityId, externalId, subject, voice } = statement;
  if (identityId !== undefined) {
    const found = directory.findIdentity(identityId);
    return { found: found?.identity.connectionId === connectionId ? found : null, binds: false };
  }
  if (voice === 'push') {
    return { found: externalId === null ? null : directory.findByExternalId(connectionId, externalId), binds: false };
  }
  if (subject === null) return { found: null, binds: false };
  const known = directory.findBySubject(connectionId, subject);
  if (known) return { found: known, binds: false };
  for (const match of matchesOf(statement)) {
    const found = findPushed(directory, connectionId, match);
    if (found) return { found, binds: true };
  }
  return { found: null, binds: false };
}

function matchesOf(statement: Statement): MatchValue[] {
  const matches = [...(statement.match ?? [])];
  // A whole record in the token names the person as the pushes do.
  if (statement.externalId !== null) matches.push({ field: 'externalId', value: statement.externalId });
  return matches;
}

function findPushed(directory: Directory, connectionId: string, { field, value }: MatchValue): FoundIdentity | null {
  const waits = (found: FoundIdentity | null): found is FoundIdentity =>
    found !== null && found.identity.subject === null && found.identity.facts.push !== null;
  if (field === 'externalId' || field === 'userName') {
    const found =
      field === 'externalId'
        ? directory.findByExternalId(connectionId, value)
        : directory.findByUserNameKey(connectionId, normaliseKey(value));
    return waits(found) ? found : null;
  }
  const emailKey = normaliseKey(value);
  const found = directory.findByEmailKey(emailKey).flatMap((person) =>
    person.identities.flatMap((identity) => {
      const email = identity.connectionId === connectionId ? readStated(identity.facts.push, 'email')?.value : null;
      return typeof email === 'string' && normaliseKey(email) === emailKey ? [{ person, identity }] : [];
    }),
  );
  // Two people with one address: nobody is guessed.
  const only = found.length === 1 ? (found[0] ?? null) : null;
  return waits(only) ? only : null;
}

/**
 * The user whom a new identity joins by its e-mail (rule 5, E2): only if the connection is authoritative for the domain,
 * says that the address is verified, the user's own address is proven too, and the user holds no privileged role.
 */
export function findLinkedUser(
  directory: Directory,
  effective: EffectiveFacts,
  policy: ConnectionPolicy,
  findPolicy: PlanContext['findPolicy'],
): Person | null {
  if (policy.authoritativeDomains.length === 0) return null;
  const email = effective.field('email')?.value;
  if (typeof email !== 'string' || effective.field('emailVerified')?.value !== true) return null;
  const emailKey = normaliseKey(email);
  const domain = emailDomain(emailKey);
  if (domain === null || !policy.authoritativeDomains.includes(domain)) return null;
  const users = directory.findByEmailKey(emailKey).filter(({ user }) => user.tenantId === policy.tenantId);
  const [person] = users;
  if (!person || users.length > 1 || !isAddressProven(person, findPolicy)) return null;
  if (person.identities.some(({ connectionId }) => connectionId === policy.id)) return null;
  // Even a grant that does not count now may count tomorrow.
  const privileged = person.grants.some(
    ({ kind, key }) => kind === 'role' && policy.roles.get(key)?.privileged !== false,
  );
  return privileged ? null : person;
}

/** Why this person may not log in with this token, before anything of it is taken in (E11, G7); null if they may. */
export function findLoginBar(found: FoundIdentity | null, trace: Micros | null, at: Micros): PlanProblem | null {
  if (trace !== null && at < trace) {
    return { code: 'identity_deleted', detail: 'The token is dated before the deletion of its identity.' };
  }
  if (!found) return null;
  if (found.person.user.suspended) return { code: 'user_suspended', detail: 'The user is suspended.' };
  if (!found.identity.active)
    return { code: 'identity_inactive', detail: 'The identity is switched off at its connection.' };
  if (found.identity.notBefore !== null && at < found.identity.notBefore) {
    return { code: 'token_superseded', detail: "The token is dated before the end of the person's sessions." };
  }
  return null;
}
