import type { Micros } from '../platform/clock.js';
import type { Facts } from './facts.js';
import type { GrantState, IdentityState } from './person.js';
import type { Statement } from './statement.js';

type Named = Pick<IdentityState, 'externalId' | 'facts'>;

/** The statement changes what pushes call the identity: another name, the first one, or none any more. */
export function movesExternalId(identity: Named, { externalId, clearsExternalId }: Statement): boolean {
  if (externalId !== null) return externalId !== identity.externalId;
  return clearsExternalId === true && identity.externalId !== null;
}

/**
 * The account behind the identity is another one now: the push names the identity itself, and gives it an externalId
 * that is not the one it had, though that was taken away in between. A first one is not another one.
 */
export function becomesOtherAccount(identity: Named, { voice, identityId, externalId }: Statement): boolean {
  if (voice !== 'push' || identityId === undefined || externalId === null) return false;
  const had = identity.externalId ?? identity.facts.formerExternalId;
  return had !== undefined && had !== externalId;
}

/** The facts, with the name that is taken away kept in mind until there is another; the same object if there is nothing to keep. */
export function keepFormerName(facts: Facts, before: string | null, after: string | null): Facts {
  if (after === null) return before === null ? facts : { ...facts, formerExternalId: before };
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
