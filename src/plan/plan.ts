import type { Micros } from '../platform/clock.js';
import { normaliseKey } from '../platform/text-key.js';
import { movesExternalId } from './account-name.js';
import { mergeStatement, NO_FACTS, type Facts } from './facts.js';
import type { Directory, FoundIdentity } from './directory.js';
import { EffectiveFacts } from './effective.js';
import { findFormerUser, type FormerUser, mayRejoin, nameTrace } from './former-user.js';
import { findLinkedUser, findLoginBar, identify } from './match-identity.js';
import type { Outcome, PlanProblem, PlanPurpose } from './outcome.js';
import type { IdentityState, Person } from './person.js';
import { checkProfile, findCeilingFault, settle, type Settling } from './settle.js';
import type { ConnectionPolicy, PlanContext } from './policy.js';
import type { Statement } from './statement.js';

/**
 * What becomes of the directory by one statement (rules 1 to 7): who is meant, what is known of them now, what follows
 * from it. The directory is changed only by what is to be stored; a refused login and a failed record leave it as it
 * was, but for a known person whom strict mapping refuses (E8).
 */
export function planStatement(
  directory: Directory,
  statement: Statement,
  policy: ConnectionPolicy,
  context: PlanContext,
  purpose: 'login' | 'push',
): Outcome {
  const { found, binds } = identify(directory, statement);
  if (!found && statement.identityId !== undefined) {
    return turnAway(purpose, null, { code: 'not_found', detail: 'There is no such identity at this connection.' });
  }
  if (purpose === 'login') {
    if (statement.subject === null)
      return turnAway(purpose, null, { code: 'claim_invalid', detail: 'The token has no subject.' });
    const trace = directory.findTrace(policy.id, statement.subject);
    const bar = findLoginBar(found, trace, statement.at);
    if (bar) return turnAway(purpose, found, bar);
  }
  const fault =
    statement.voice === 'push' || policy.mapping.payloadClaim !== null ? findCeilingFault(statement, policy) : null;
  if (fault) return turnAway(purpose, found, fault);

  const merged = mergeStatement(found?.identity.facts ?? NO_FACTS, statement, policy.mapping, context.now);
  if (merged.denied) {
    const { field, why } = merged.denied;
    const code = why === 'absent' ? 'field_absent' : 'field_overage';
    return turnAway(purpose, found, {
      code,
      detail: `\`${field}\` ${why === 'absent' ? 'is missing' : 'has too many values to be sent'}.`,
    });
  }
  if (purpose === 'push' && found) {
    if (merged.stale) return outcome('stale', found.person, found.identity);
    if (isSettled(found.identity, merged.facts, statement, policy))
      return outcome('unchanged', found.person, found.identity);
  }

  const settling: Settling = {
    directory,
    policy,
    context,
    purpose,
    statement,
    facts: merged.facts,
    changed: merged.changed,
  };
  if (found) return settle(found, { ...settling, binds, stale: merged.stale });

  const effective = new EffectiveFacts(merged.facts, policy);
  const problem = checkProfile(effective);
  if (problem) return turnAway(purpose, null, problem);
  const former = findFormerUser(directory, statement, context.now);
  if (purpose === 'login' && statement.at < findDeletion(directory, effective, policy, former)) {
    return turnAway(purpose, null, {
      code: 'identity_deleted',
      detail: 'The token is dated before the deletion of its identity.',
    });
  }
  const known = former && directory.findPerson(former.userId);
  const linked =
    known && mayRejoin(known, policy) ? known : findLinkedUser(directory, effective, policy, context.findPolicy);
  const returns = former !== null && (known === null || linked === known);
  const suspended = linked ? linked.user.suspended : returns && former.suspended;
  if (suspended && purpose === 'login') {
    return turnAway(purpose, null, { code: 'user_suspended', detail: 'The user is suspended.' });
  }
  if (!linked && purpose === 'login' && !policy.createUsers) {
    return turnAway(purpose, null, {
      code: 'unknown_person',
      detail: "Nobody has this subject, and this connection's logins make no users.",
    });
  }
  const begun = begin(linked, returns ? former : null, policy, context);
  const settled = settle(begun, { ...settling, effective, isNew: true });
  return returns && settled.result !== 'failed' && settled.result !== 'refused'
    ? { ...settled, returned: true }
    : settled;
}

/**
 * What follows for a user from the connection's present mapping, ceilings and roles, with no new statement; one outcome
 * for each identity that the connection has of them.
 */
export function planReplan(
  directory: Directory,
  userId: string,
  policy: ConnectionPolicy,
  context: PlanContext,
): Outcome[] {
  const person = directory.findPerson(userId);
  const ids = person?.identities.filter(({ connectionId }) => connectionId === policy.id).map(({ id }) => id) ?? [];
  return ids.flatMap((id) => {
    const found = directory.findIdentity(id);
    if (!found) return [];
    return [
      settle(found, {
        directory,
        policy,
        context,
        purpose: 'replan',
        statement: null,
        facts: found.identity.facts,
        changed: [],
      }),
    ];
  });
}

/** Most records of a run say nothing new of somebody who was planned under this very mapping. */
function isSettled(identity: IdentityState, facts: Facts, statement: Statement, policy: ConnectionPolicy): boolean {
  if (movesExternalId(identity, statement) || identity.leavingAt !== null) return false;
  if (statement.scope !== undefined && statement.scope !== identity.scope) return false;
  return facts === identity.facts && identity.mappingVersion === policy.mappingVersion;
}

/** When the account of this token was deleted, who never logged in before: 0 if it was not. */
function findDeletion(
  directory: Directory,
  effective: EffectiveFacts,
  policy: ConnectionPolicy,
  former: FormerUser | null,
): Micros {
  const name = effective.field('userName')?.value;
  const trace = typeof name === 'string' ? directory.findTrace(policy.id, nameTrace(normaliseKey(name))) : null;
  return Math.max(former?.removedAt ?? 0, trace ?? 0);
}

function begin(
  linked: Person | null,
  former: FormerUser | null,
  policy: ConnectionPolicy,
  context: PlanContext,
): FoundIdentity {
  const { now } = context;
  const person = linked ?? newPerson(policy.tenantId, former, context);
  const identity: IdentityState = {
    id: context.newId(),
    connectionId: policy.id,
    externalId: null,
    subject: null,
    userNameKey: null,
    active: true,
    facts: NO_FACTS,
    mappingVersion: policy.mappingVersion,
    lastLoginAt: null,
    notBefore: former?.removedAt ?? null,
    scope: null,
    leavingAt: null,
    createdAt: now,
  };
  return { person, identity };
}

function newPerson(tenantId: string, former: FormerUser | null, { now, newId }: PlanContext): Person {
  return {
    user: {
      id: former?.userId ?? newId(),
      tenantId,
      userName: null,
      displayName: null,
      givenName: null,
      familyName: null,
      email: null,
      emailVerified: false,
      attributes: {},
      suspended: former?.suspended ?? false,
      version: former?.version ?? 0,
      createdAt: now,
      updatedAt: now,
    },
    identities: [],
    grants: [],
    blocks: former?.blocks ?? [],
  };
}

/** Nothing is changed. */
function turnAway(purpose: PlanPurpose, found: FoundIdentity | null, problem: PlanProblem): Outcome {
  return {
    ...outcome(purpose === 'login' ? 'refused' : 'failed', found?.person ?? null, found?.identity ?? null),
    problem,
  };
}

function outcome(result: Outcome['result'], person: Person | null, identity: IdentityState | null): Outcome {
  return { result, userId: person?.user.id ?? null, identityId: identity?.id ?? null, withheld: [], person };
}
