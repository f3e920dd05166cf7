import { normaliseKey } from '../platform/text-key.js';
import { becomesOtherAccount, keepFormerName, movesExternalId, parkAdminGrants } from './account-name.js';
import { findRoleCeiling, mayGrantEntitlement } from './ceilings.js';
import { deriveGrants } from './derive-grants.js';
import type { Directory, FoundIdentity } from './directory.js';
import { EffectiveFacts, toTexts } from './effective.js';
import { ExpressionFailure } from './expression.js';
import type { Facts } from './facts.js';
import type { Outcome, PlanProblem, PlanPurpose, PlanResult } from './outcome.js';
import type { IdentityState, Person } from './person.js';
import type { ConnectionPolicy, PlanContext } from './policy.js';
import { deriveProfile, findProfileFaults } from './profile.js';
import { findProtection } from './protection.js';
import { findScimNameKey, followActive } from './scim-entry.js';
import type { FieldName, Statement } from './statement.js';

/** Named beside the first one; a record may have a thousand roles. */
const OTHER_FAULTS_MAX = 99;

/** An identity's facts as they are now, to be made true for the person. */
export interface Settling {
  directory: Directory;
  policy: ConnectionPolicy;
  context: PlanContext;
  purpose: PlanPurpose;
  /** Null for a re-plan. */
  statement: Statement | null;
  facts: Facts;
  /** The same, if they are there already, and known to become a profile. */
  effective?: EffectiveFacts;
  /** The fields whose value the statement changed. */
  changed: readonly FieldName[];
  /** The identity (and perhaps its user) is made by this statement. */
  isNew?: boolean;
  binds?: boolean;
  stale?: boolean;
}

/** Derives what follows from an identity's facts and puts the person into the directory, or refuses and does not. */
export function settle(found: FoundIdentity, settling: Settling): Outcome {
  const { directory, policy, context, purpose } = settling;
  const effective = settling.effective ?? new EffectiveFacts(settling.facts, policy);
  const problemOfProfile = settling.effective ? null : checkProfile(effective);
  if (problemOfProfile) return refuse(found, settling, problemOfProfile);
  const protection = findGuard(found, settling);
  if (protection) return refuse(found, settling, protection);

  const name = claimUserName(found.identity, effective, settling);
  if (name.problem && name.fatal) return refuse(found, settling, name.problem);
  const externalId = claimExternalId(found.identity, settling);
  if (externalId.problem) return refuse(found, settling, externalId.problem);

  const derived = deriveGrants(found.identity.id, effective, found.person.grants, policy, context.now);
  if (derived.failed) {
    const { rule, error } = derived.failed;
    return refuse(found, settling, { code: 'rule_failed', detail: `The rule \`${rule}\` failed: ${error}.` });
  }
  const unmatched = policy.mapping.strict && purpose !== 'push' && !derived.matched;
  const noMatch: PlanProblem = {
    code: 'no_rule_matched',
    detail: 'No rule of the connection matches, and its mapping is strict.',
  };
  if (unmatched && settling.isNew) return refuse(found, settling, noMatch);

  const isOther = settling.statement !== null && becomesOtherAccount(found.identity, settling.statement);
  const identity = nextIdentity(found.identity, effective, settling, {
    userNameKey: name.key,
    externalId: externalId.value,
    loggedIn: purpose === 'login' && !unmatched,
    isOther,
  });
  const grants = isOther ? parkAdminGrants(derived.grants, context.now) : derived.grants;
  const person = nextPerson(found.person, identity, grants, { context, effective });
  directory.put(person);

  const lost = derived.grants !== found.person.grants;
  const outcome: Outcome = {
    result: resultOf(found, person, identity, settling),
    userId: person.user.id,
    identityId: identity.id,
    withheld: derived.withheld,
    person,
  };
  if (!settling.isNew) outcome.before = found.person;
  if (name.problem) outcome.problem = name.problem;
  if (isOther) {
    outcome.endSessions = 'external_id_changed';
    if (found.identity.subject !== null) outcome.unbound = found.identity.subject;
  }
  if (found.identity.active && !identity.active && !settling.isNew) outcome.endSessions = 'deactivated';
  if (unmatched && (purpose === 'login' || lost)) {
    outcome.endSessions = 'no_rule_matched';
    if (purpose === 'login') return { ...outcome, result: 'refused', problem: noMatch };
  }
  return outcome;
}

/** What says nothing new of a protected user is no write on them. */
function findGuard({ person, identity }: FoundIdentity, settling: Settling): PlanProblem | null {
  const { statement, changed, isNew, policy, context } = settling;
  if (!statement?.guarded || isNew) return null;
  if (changed.length === 0 && !movesExternalId(identity, statement)) return null;
  return findProtection(person, policy, context.now);
}

/** A record's own role keys and entitlements have to be within the ceilings, or it fails as a whole. */
export function findCeilingFault(statement: Statement, policy: ConnectionPolicy): PlanProblem | null {
  const found: PlanProblem[] = [];
  for (const [i, key] of toTexts(statement.fields.roles).entries()) {
    const why = findRoleCeiling(policy, key);
    if (why === null) continue;
    const detail = {
      unknown: `There is no role \`${key}\`.`,
      not_allowed: `The connection may not grant \`${key}\`: it is not among its allowedRoles.`,
      privileged: `The connection may not grant \`${key}\`: it is privileged.`,
    }[why];
    found.push({ code: 'role_not_allowed', detail, pointer: `/roles/${i}` });
  }
  for (const [i, text] of toTexts(statement.fields.entitlements).entries()) {
    if (mayGrantEntitlement(policy, text)) continue;
    const detail = `The connection may not grant \`${text}\`: it is not among its allowedEntitlements.`;
    found.push({ code: 'entitlement_not_allowed', detail, pointer: `/entitlements/${i}` });
  }
  const [first, ...others] = found;
  return first ? { ...first, others: others.slice(0, OTHER_FAULTS_MAX) } : null;
}

/** Whether these facts can become a profile at all, before anything is derived from them. */
export function checkProfile(effective: EffectiveFacts): PlanProblem | null {
  try {
    const fault = findProfileFaults(effective);
    return fault ? { code: 'claim_invalid', detail: `\`${fault.field}\` ${fault.detail}.` } : null;
  } catch (error) {
    if (!(error instanceof ExpressionFailure)) throw error;
    return { code: 'rule_failed', detail: `An expression of the mapping failed: ${error.message}.` };
  }
}

/** User names are unique in a connection (rule 5, E3): a known person whose new name is taken keeps the old one. */
function claimUserName(
  identity: IdentityState,
  effective: EffectiveFacts,
  settling: Settling,
): { key: string | null; problem?: PlanProblem; fatal?: boolean } {
  const stated = effective.field('userName');
  if (!stated) return { key: identity.userNameKey };
  const name = typeof stated.value === 'string' && stated.value !== '' ? stated.value : null;
  const key = name === null ? null : normaliseKey(name);
  if (key === identity.userNameKey || key === null) return { key };
  const holder = settling.directory.findByUserNameKey(settling.policy.id, key);
  if (!holder || holder.identity.id === identity.id) return { key };
  const problem: PlanProblem = {
    code: 'user_name_taken',
    detail: 'Another person of this connection has that user name.',
    pointer: '/userName',
  };
  const pushed = settling.purpose === 'push' && typeof settling.statement?.fields.userName === 'string';
  const fatal = (settling.isNew === true || pushed) && !isScimName(settling.facts, holder.identity, key);
  return { key: identity.userNameKey, problem, fatal };
}

/**
 * The name is the person's in the SCIM directory, where the holder has another one and is only called so by a token: the
 * directory's client knows nothing of that, and is not refused for it. Until it is free the person goes without it.
 */
function isScimName(facts: Facts, holder: IdentityState, key: string): boolean {
  const held = findScimNameKey(holder);
  return held !== null && held !== key && findScimNameKey({ facts }) === key;
}

function claimExternalId(identity: IdentityState, settling: Settling): { value: string | null; problem?: PlanProblem } {
  const { statement, directory, policy } = settling;
  if (!statement) return { value: identity.externalId };
  if (statement.voice === 'push') {
    const value = statement.externalId ?? (statement.clearsExternalId ? null : identity.externalId);
    const holder =
      value === null || value === identity.externalId ? null : directory.findByExternalId(policy.id, value);
    if (!holder) return { value };
    return {
      value: null,
      problem: {
        code: 'external_id_taken',
        detail: 'Another person of this connection has that externalId.',
        pointer: '/externalId',
      },
    };
  }
  if (identity.externalId !== null || identity.facts.formerExternalId !== undefined) {
    return { value: identity.externalId };
  }
  // What a token calls by the pushes' name is noted, so that a push that comes after it finds the person.
  const matches = statement.match?.filter(({ field }) => field === 'externalId').map(({ value }) => value) ?? [];
  const value = statement.externalId ?? matches[0] ?? null;
  return { value: value !== null && directory.findByExternalId(policy.id, value) ? null : value };
}

function nextIdentity(
  before: IdentityState,
  effective: EffectiveFacts,
  settling: Settling,
  claimed: { userNameKey: string | null; externalId: string | null; loggedIn: boolean; isOther: boolean },
): IdentityState {
  const { context, policy, statement, directory } = settling;
  const active = effective.active;
  const { externalId, isOther } = claimed;
  const bound = before.subject === null ? (statement?.subject ?? null) : null;
  // No token from before the switching off logs in again, even after a switching on (G7); nor one of the other account.
  let notBefore =
    (before.active && !active) || isOther ? Math.max(context.now, before.notBefore ?? 0) : before.notBefore;
  // The deletion of an earlier identity of this subject would be forgotten with its trace, which only unknown ones have.
  const trace = bound === null ? null : directory.findTrace(policy.id, bound);
  if (trace !== null) notBefore = Math.max(trace, notBefore ?? 0);
  const next: IdentityState = {
    ...before,
    externalId,
    subject: isOther ? null : (before.subject ?? bound),
    userNameKey: claimed.userNameKey,
    active,
    facts: followActive(
      keepFormerName(settling.facts, before.externalId, externalId, statement?.sharedExternalId),
      active,
      context.now,
    ),
    mappingVersion: policy.mappingVersion,
    lastLoginAt: claimed.loggedIn ? context.now : before.lastLoginAt,
    notBefore,
    scope: statement?.scope ?? before.scope,
    leavingAt: statement?.voice === 'push' || !active ? null : before.leavingAt,
  };
  return sameIdentity(before, next) ? before : next;
}

function sameIdentity(a: IdentityState, b: IdentityState): boolean {
  for (const name of Object.keys(b) as (keyof IdentityState)[]) if (a[name] !== b[name]) return false;
  return true;
}

function nextPerson(
  before: Person,
  identity: IdentityState,
  grants: Person['grants'],
  { context, effective }: { context: PlanContext; effective: EffectiveFacts },
): Person {
  const at = before.identities.findIndex(({ id }) => id === identity.id);
  const identities =
    at < 0
      ? [...before.identities, identity]
      : before.identities[at] === identity
        ? before.identities
        : before.identities.with(at, identity);
  const person = { ...before, identities, grants };
  const user = deriveProfile(person, context.findPolicy, { identityId: identity.id, effective });
  if (user === before.user && identities === before.identities && grants === before.grants) return before;
  return { ...person, user };
}

function resultOf(found: FoundIdentity, person: Person, identity: IdentityState, settling: Settling): PlanResult {
  const before = found.identity;
  // An identity that joins a user who is there already is a change of that user.
  if (settling.isNew) return found.person.identities.length === 0 ? 'created' : 'updated';
  if (before.active !== identity.active) return identity.active ? 'reactivated' : 'deactivated';
  if (settling.stale) return 'stale';
  const moved =
    settling.changed.length > 0 ||
    person.user !== found.person.user ||
    hasOtherGrants(found.person, person) ||
    before.subject !== identity.subject ||
    before.externalId !== identity.externalId ||
    before.userNameKey !== identity.userNameKey ||
    before.leavingAt !== identity.leavingAt;
  return moved ? 'updated' : 'unchanged';
}

/** Another reason for the same grant is not a change that anybody is told of. */
function hasOtherGrants(before: Person, after: Person): boolean {
  if (before.grants === after.grants) return false;
  if (before.grants.length !== after.grants.length) return true;
  const name = (grant: Person['grants'][number]): string =>
    `${grant.kind} ${grant.source === 'admin' ? grant.adminId : `${grant.identityId} ${grant.rule}`} ${grant.key}`;
  const had = new Set(before.grants.map(name));
  return after.grants.some((grant) => !had.has(name(grant)));
}

function refuse(found: FoundIdentity, settling: Settling, problem: PlanProblem): Outcome {
  const known = settling.isNew !== true;
  return {
    result: settling.purpose === 'login' ? 'refused' : 'failed',
    problem,
    userId: known ? found.person.user.id : null,
    identityId: known ? found.identity.id : null,
    withheld: [],
    person: known ? found.person : null,
  };
}
