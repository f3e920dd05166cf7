import type { Micros } from '../platform/clock.js';
import type { Facts } from './facts.js';
import type { GrantState, IdentityState } from './person.js';
import type { Statement } from './statement.js';

type Named = Pick<IdentityState, 'externalId' | 'facts'>;

/** The statement changes what pushes call the identity: another name, the first one, or none any more. */
export function movesExternalId(identity: Named, statement: Statement): boolean {
  const { externalId, clearsExternalId, sharedExternalId } = statement;
  if (externalId !== null) return externalId !== identity.externalId;
  if (sharedExternalId !== undefined && sharedExternalId !== identity.facts.formerExternalId) return true;
  return clearsExternalId === true && identity.externalId !== null;
}

/**
 * The account behind the identity is another one now: the push names the identity itself, and gives it an externalId
 * that is not the one it had, though that was taken away in between, and though somebody else may be found by the new
 * one. A first one is not another one.
 */
export function becomesOtherAccount(identity: Named, statement: Statement): boolean {
  const { voice, identityId, externalId, sharedExternalId } = statement;
  const has = externalId ?? sharedExternalId;
  if (voice !== 'push' || identityId === undefined || has === undefined) return false;
  const had = identity.externalId ?? identity.facts.formerExternalId;
  return had !== undefined && had !== has;
}

/**
 * The facts, with the name that the identity was last called by kept in mind where it is not found by one; the same
 * object if there is nothing to keep.
 *
 * @param shared the name that it has, and that somebody else is found by
 */
export function keepFormerName(facts: Facts, before: string | null, after: string | null, shared?: string): Facts {
  if (after === null) {
    const former = shared ?? before ?? undefined;
    return former === undefined || former === facts.formerExternalId ? facts : { ...facts, formerExternalId: former };
  }
  if (facts.formerExternalId === undefined) return facts;
  const { push, token } = facts;
  return { push, token };
}

/** The grants, with those of admins parked (a namesake must not inherit); the same list if there is none. */
export function parkAdminGrants(grants: GrantState[], now: Micros): GrantState[] {
  if (!grants.some((grant) => grant.source === 'admin' && grant.parkedAt === undefined)) return grants;
  return grants.map((grant) =>
    grant.source === 'admin' && grant.parkedAt === undefined ? { ...grant, parkedAt: now } : grant,
  );
}
