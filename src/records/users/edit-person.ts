import type { AdminGrant, BlockState, HeldKind, Person, Profile, UserState } from '../../plan/person.js';
import type { Json } from '../../plan/statement.js';
import type { Micros } from '../../platform/clock.js';
import { sameJson } from '../../plan/facts.js';

/** An admin's word on something held: who says so, why, and until when (null: for good). */
export interface AdminWord {
  adminId: string;
  reason: string | null;
  until: Micros | null;
  now: Micros;
}

/** What is held: a role by its key, or an entitlement by its text. */
export interface HeldName {
  kind: HeldKind;
  key: string;
}

/** A field that is not there stays; null empties it. Attributes are merged by name. */
export type ProfileEdit = Partial<Omit<Profile, 'emailVerified' | 'attributes'>> & {
  emailVerified?: boolean;
  attributes?: Record<string, unknown>;
};

const TEXTS = ['userName', 'displayName', 'givenName', 'familyName', 'email'] as const;

/** Every edit answers the same object where it changes nothing. */
export function grantByHand(person: Person, held: HeldName, word: AdminWord): Person {
  const before = person.grants.find((grant): grant is AdminGrant => grant.source === 'admin' && isOf(grant, held));
  const stands = before?.parkedAt === undefined && before?.reason === word.reason;
  if (before && stands && before.until === word.until) return person;
  const grant: AdminGrant = {
    source: 'admin',
    kind: held.kind,
    key: held.key,
    adminId: word.adminId,
    reason: word.reason,
    since: word.now,
    until: word.until,
  };
  return { ...person, grants: [...person.grants.filter((one) => one !== before), grant] };
}

/** What admins gave counts again as it was, whoever has the account now. */
export function confirmGrants(person: Person, which: readonly HeldName[]): Person {
  const isMeant = (grant: AdminGrant): boolean =>
    grant.parkedAt !== undefined && which.some((held) => isOf(grant, held));
  if (!person.grants.some((grant) => grant.source === 'admin' && isMeant(grant))) return person;
  const grants = person.grants.map((grant) => {
    if (grant.source !== 'admin' || !isMeant(grant)) return grant;
    const { parkedAt: _, ...confirmed } = grant;
    return confirmed;
  });
  return { ...person, grants };
}

/** Takes away what an admin gave, and nothing that a connection did (rule 1). */
export function revokeByHand(person: Person, held: HeldName): Person {
  const grants = person.grants.filter((grant) => grant.source !== 'admin' || !isOf(grant, held));
  return grants.length === person.grants.length ? person : { ...person, grants };
}

export function blockHeld(person: Person, held: HeldName, word: AdminWord): Person {
  const before = person.blocks.find((block) => isOf(block, held));
  if (before && before.reason === word.reason && before.until === word.until) return person;
  const { adminId, reason, until, now } = word;
  const block: BlockState = { kind: held.kind, key: held.key, adminId, reason, since: now, until };
  return { ...person, blocks: [...person.blocks.filter((one) => one !== before), block] };
}

export function unblockHeld(person: Person, held: HeldName): Person {
  const blocks = person.blocks.filter((block) => !isOf(block, held));
  return blocks.length === person.blocks.length ? person : { ...person, blocks };
}

/** No token from before the suspension logs in when it is over (rule 7). */
export function suspendUser(person: Person, now: Micros): Person {
  if (person.user.suspended) return person;
  return {
    ...person,
    user: { ...person.user, suspended: true },
    identities: person.identities.map((one) => ({ ...one, notBefore: Math.max(now, one.notBefore ?? 0) })),
  };
}

export function unsuspendUser(person: Person): Person {
  return person.user.suspended ? { ...person, user: { ...person.user, suspended: false } } : person;
}

/** Another address is not verified unless the edit says that it is. */
export function editProfile(person: Person, edit: ProfileEdit): Person {
  const before = person.user;
  const user: UserState = { ...before };
  for (const field of TEXTS) if (edit[field] !== undefined) user[field] = edit[field] === '' ? null : edit[field];
  if (user.email !== before.email) user.emailVerified = false;
  if (edit.emailVerified !== undefined) user.emailVerified = edit.emailVerified && user.email !== null;
  if (edit.attributes !== undefined) {
    const attributes = { ...before.attributes };
    for (const [name, value] of Object.entries(edit.attributes)) {
      if (value === null) delete attributes[name];
      else attributes[name] = value;
    }
    user.attributes = attributes;
  }
  return changedFields(before, user).length === 0 ? person : { ...person, user };
}

/** The fields of a profile that differ, by the names that a request and `ownerOf` have for them. */
export function changedFields(before: Profile, after: Profile): string[] {
  const fields: string[] = [];
  for (const name of [...TEXTS, 'emailVerified'] as const) if (before[name] !== after[name]) fields.push(name);
  for (const name of new Set([...Object.keys(before.attributes), ...Object.keys(after.attributes)])) {
    if (!sameJson(before.attributes[name] as Json, after.attributes[name] as Json)) fields.push(`attributes.${name}`);
  }
  return fields;
}

/**
 * `survivor` with the identities, grants and blocks of `other`, who is to be deleted. Where an admin said the same of
 * both, the word that lasts longer stays; if one of them is suspended, so is the survivor.
 */
export function mergePersons(survivor: Person, other: Person): Person {
  const moved = other.grants.filter((grant) => grant.source === 'connection');
  const own = survivor.grants.filter((grant) => grant.source === 'connection');
  const admins = [...survivor.grants, ...other.grants].filter((grant) => grant.source === 'admin');
  return {
    user: { ...survivor.user, suspended: survivor.user.suspended || other.user.suspended },
    identities: [...survivor.identities, ...other.identities].sort(
      (a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1),
    ),
    grants: [...own, ...moved, ...keepLongest(withoutParkedDoubles(admins))],
    blocks: keepLongest([...survivor.blocks, ...other.blocks]),
  };
}

/**
 * Parts a person in two: one keeps the user and what admins gave, the other is a new user with the identity and what
 * came by it. A block or a suspension was said of whoever is behind either, so it stays with both.
 */
export function splitIdentity(
  person: Person,
  identityId: string,
  newUser: Pick<UserState, 'id' | 'createdAt'>,
): { left: Person; parted: Person } {
  const isParted = (grant: Person['grants'][number]): boolean =>
    grant.source === 'connection' && grant.identityId === identityId;
  return {
    left: {
      ...person,
      identities: person.identities.filter(({ id }) => id !== identityId),
      grants: person.grants.filter((grant) => !isParted(grant)),
    },
    parted: {
      user: blankUser(newUser.id, person.user.tenantId, newUser.createdAt, person.user.suspended),
      identities: person.identities.filter(({ id }) => id === identityId),
      grants: person.grants.filter(isParted),
      blocks: [...person.blocks],
    },
  };
}

/** Takes away what has come to its end. */
export function removeExpired(person: Person, now: Micros): Person {
  const grants = person.grants.filter((grant) => grant.source !== 'admin' || stands(grant.until, now));
  const blocks = person.blocks.filter((block) => stands(block.until, now));
  const same = grants.length === person.grants.length && blocks.length === person.blocks.length;
  return same ? person : { ...person, grants, blocks };
}

/** A user of whom nothing is known yet. */
export function blankUser(id: string, tenantId: string, now: Micros, suspended = false): UserState {
  return {
    id,
    tenantId,
    userName: null,
    displayName: null,
    givenName: null,
    familyName: null,
    email: null,
    emailVerified: false,
    attributes: {},
    suspended,
    version: 0,
    createdAt: now,
    updatedAt: now,
  };
}

function isOf(one: HeldName, held: HeldName): boolean {
  return one.kind === held.kind && one.key === held.key;
}

function stands(until: Micros | null, now: Micros): boolean {
  return until === null || until > now;
}

/** Where an admin's grant counts for one of the two, the other's parked one has nothing to wait for. */
function withoutParkedDoubles(grants: readonly AdminGrant[]): AdminGrant[] {
  const counting = grants.filter(({ parkedAt }) => parkedAt === undefined);
  return grants.filter((grant) => grant.parkedAt === undefined || !counting.some((one) => isOf(one, grant)));
}

/** One of each kind and key; the first where two last equally long. */
function keepLongest<T extends HeldName & { until: Micros | null }>(words: readonly T[]): T[] {
  const kept = new Map<string, T>();
  for (const word of words) {
    const name = `${word.kind} ${word.key}`;
    const had = kept.get(name);
    if (!had || (had.until !== null && (word.until === null || word.until > had.until))) kept.set(name, word);
  }
  return [...kept.values()];
}
