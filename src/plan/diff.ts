import { MINUTE, type Micros } from '../platform/clock.js';
import type { GrantUpdate, GrantWord, PersonChanges, UserEvent, UserEventType } from './changes.js';
import { sameJson, type Facts } from './facts.js';
import type { BlockState, GrantState, IdentityState, Person, Profile, UserState } from './person.js';
import type { Json } from './statement.js';

const PROFILE = [
  'userName',
  'displayName',
  'givenName',
  'familyName',
  'email',
  'emailVerified',
] as const satisfies (keyof Profile)[];
const IDENTITY = [
  'externalId',
  'subject',
  'active',
  'notBefore',
  'leavingAt',
] as const satisfies (keyof IdentityState)[];
const QUIET = [
  'lastLoginAt',
  'mappingVersion',
  'facts',
  'userNameKey',
  'scope',
] as const satisfies (keyof IdentityState)[];

/**
 * What to write so that `before` becomes `after`, with the one event that tells of it; null if nothing differs. Persons
 * are immutable values: whatever is the same object is taken as the same.
 */
export function diffPerson(before: Person | null, after: Person | null, now: Micros): PersonChanges | null {
  if (before === after) return null;
  const known = after ?? before;
  if (!known) return null;
  const fields = new Set<string>();
  const user = after && (!before || isUserChanged(before.user, after.user, fields)) ? after.user : null;
  const identities = diffRows(before?.identities ?? [], after?.identities ?? [], ({ id }) => id);
  for (const one of identities.updated) namesOfIdentity(one.before, one.after, fields);
  if (before && after && identities.added.length + identities.removed.length > 0) fields.add('identities');
  const grants = diffRows(before?.grants ?? [], after?.grants ?? [], keyOfGrant);
  // An admin who moves the end of a grant, or gives it another reason, says something that people are told of.
  const restated = grants.updated.flatMap(({ after: grant }) => (grant.source === 'admin' ? [grant] : []));
  for (const { kind } of [...grants.added, ...grants.removed, ...restated]) {
    fields.add(kind === 'role' ? 'roles' : 'entitlements');
  }
  const blocks = diffRows(before?.blocks ?? [], after?.blocks ?? [], keyOfBlock);
  if (blocks.added.length + blocks.removed.length + blocks.updated.length > 0) fields.add('blocks');

  const quiet = before !== null && after !== null && fields.size === 0;
  const updated = identities.updated.filter((one) => isIdentityChanged(one.before, one.after));
  if (quiet && updated.length + grants.updated.length === 0) return null;
  const fromVersion = before?.user.version ?? 0;
  const next =
    after && !quiet
      ? {
          ...after,
          user: { ...after.user, version: (before ?? after).user.version + 1, updatedAt: momentOf(before, now) },
        }
      : after;
  return {
    userId: known.user.id,
    tenantId: known.user.tenantId,
    fromVersion,
    quiet,
    user: next && (!quiet || user) ? next.user : null,
    deleted: after === null,
    identitiesAdded: identities.added,
    identitiesUpdated: updated.map((one) => one.after),
    identitiesRemoved: identities.removed,
    grantsAdded: grants.added,
    grantsUpdated: grants.updated,
    grantsRemoved: grants.removed,
    blocksAdded: [...blocks.added, ...blocks.updated.map((one) => one.after)],
    blocksRemoved: [...blocks.removed, ...blocks.updated.map((one) => one.before)],
    event: quiet ? null : eventOf(before, next, fields, grants),
    after: next,
  };
}

/**
 * Each version of a user is later than the one before, also where another instance's clock is ahead, so that whoever
 * keeps a copy can tell them apart by it. Not so after a clock that was minutes ahead: then the present counts.
 */
function momentOf(before: Person | null, now: Micros): Micros {
  const last = before?.user.updatedAt ?? 0;
  return last >= now && last < now + MINUTE ? last + 1 : now;
}

interface RowDiff<T> {
  added: T[];
  updated: { before: T; after: T }[];
  removed: T[];
}

function diffRows<T>(before: readonly T[], after: readonly T[], keyOf: (row: T) => string): RowDiff<T> {
  if (before === after) return { added: [], updated: [], removed: [] };
  if (before.length === 0) return { added: [...after], updated: [], removed: [] };
  const left = new Map(before.map((row) => [keyOf(row), row]));
  const diff: RowDiff<T> = { added: [], updated: [], removed: [] };
  for (const row of after) {
    const key = keyOf(row);
    const old = left.get(key);
    if (old === undefined) diff.added.push(row);
    else if (old !== row && !sameJson(old as Json, row as Json)) diff.updated.push({ before: old, after: row });
    left.delete(key);
  }
  diff.removed = [...left.values()];
  return diff;
}

function isUserChanged(before: UserState, after: UserState, fields: Set<string>): boolean {
  if (before === after) return false;
  for (const field of PROFILE) if (before[field] !== after[field]) fields.add(field);
  if (before.suspended !== after.suspended) fields.add('suspended');
  if (before.attributes !== after.attributes) {
    namesOfValues(
      before.attributes as Record<string, Json>,
      after.attributes as Record<string, Json>,
      'attributes.',
      fields,
    );
  }
  return fields.size > 0;
}

function isIdentityChanged(before: IdentityState, after: IdentityState): boolean {
  return [...IDENTITY, ...QUIET].some((name) => before[name] !== after[name]);
}

function namesOfIdentity(before: IdentityState, after: IdentityState, fields: Set<string>): void {
  for (const name of IDENTITY) if (before[name] !== after[name]) fields.add(name);
  if (before.userNameKey !== after.userNameKey) fields.add('userName');
  if (before.facts !== after.facts) namesOfFacts(before.facts, after.facts, fields);
}

function namesOfFacts(before: Facts, after: Facts, fields: Set<string>): void {
  for (const voice of ['push', 'token'] as const) {
    if (before[voice] !== after[voice])
      namesOfValues(before[voice]?.values ?? {}, after[voice]?.values ?? {}, '', fields);
  }
}

function namesOfValues(
  before: Record<string, Json>,
  after: Record<string, Json>,
  prefix: string,
  fields: Set<string>,
): void {
  for (const name in after) if (!same(before[name], after[name])) fields.add(prefix + name);
  for (const name in before)
    if (!Object.hasOwn(after, name) && !same(before[name], undefined)) fields.add(prefix + name);
}

/** Empty and not there read alike for whoever is told of changes. */
function same(a: Json | undefined, b: Json | undefined): boolean {
  return sameJson(isEmpty(a) ? null : a, isEmpty(b) ? null : b);
}

function isEmpty(value: Json | undefined): boolean {
  return value === undefined || (Array.isArray(value) && value.length === 0);
}

function keyOfGrant(grant: GrantState): string {
  const source = grant.source === 'admin' ? `admin ${grant.adminId}` : `${grant.identityId} ${grant.rule}`;
  return `${grant.kind} ${source} ${grant.key}`;
}

function keyOfBlock(block: BlockState): string {
  return `${block.kind} ${block.key}`;
}

function eventOf(
  before: Person | null,
  after: Person | null,
  fields: ReadonlySet<string>,
  grants: { added: GrantState[]; removed: GrantState[]; updated: GrantUpdate[] },
): UserEvent {
  const { user } = (after ?? before) as Person;
  return {
    type: typeOf(before, after, fields, grants.updated),
    userId: user.id,
    version: user.version,
    fields: [...fields].sort(),
    granted: [...grants.added, ...grants.updated.filter(isRestated).map((one) => one.after)].map(toWord),
    revoked: [...grants.removed, ...grants.updated.filter(isParking).map((one) => one.after)].map(toWord),
  };
}

function typeOf(
  before: Person | null,
  after: Person | null,
  fields: ReadonlySet<string>,
  updated: readonly GrantUpdate[],
): UserEventType {
  if (!before) return 'user.created';
  if (!after) return 'user.deleted';
  if (fields.has('suspended')) return after.user.suspended ? 'user.suspended' : 'user.unsuspended';
  const [was, is] = [before, after].map(({ identities }) => identities.some(({ active }) => active));
  if (was !== is && before.identities.length > 0) return is === true ? 'user.reactivated' : 'user.deactivated';
  if (updated.some(isParking)) return 'user.grants_parked';
  if (updated.some(isConfirming)) return 'user.grants_confirmed';
  const roles = fields.has('roles') || fields.has('entitlements') || fields.has('blocks');
  if (roles) return 'user.roles_changed';
  return startsLeaving(before, after) ? 'user.leaving' : 'user.updated';
}

function startsLeaving(before: Person, after: Person): boolean {
  const leaving = ({ identities }: Person) => identities.filter(({ leavingAt }) => leavingAt !== null).length;
  return leaving(after) > leaving(before);
}

function isParked(grant: GrantState): boolean {
  return grant.source === 'admin' && grant.parkedAt !== undefined;
}

function isParking({ before, after }: GrantUpdate): boolean {
  return !isParked(before) && isParked(after);
}

function isConfirming({ before, after }: GrantUpdate): boolean {
  return isParked(before) && !isParked(after);
}

/** An admin's word that moved: what was parked is told as taken away. */
function isRestated(update: GrantUpdate): boolean {
  return update.after.source === 'admin' && !isParking(update);
}

function toWord(grant: GrantState): GrantWord {
  const { kind, key } = grant;
  if (grant.source === 'admin') return { kind, key, rule: null, connectionId: null, because: grant.reason };
  return { kind, key, rule: grant.rule, connectionId: grant.connectionId, because: grant.because };
}
