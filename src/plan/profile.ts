import { emailDomain, normaliseKey } from '../platform/text-key.js';
import { EffectiveFacts } from './effective.js';
import { ExpressionFailure } from './expression.js';
import { sameJson, type StatedField } from './facts.js';
import type { IdentityState, Person, Profile, UserState } from './person.js';
import type { ConnectionPolicy } from './policy.js';
import { findDisplayNameFault, findEmailFault, findTextFault, findUserNameFault } from './record-text.js';
import { NAME_CHARS_MAX } from './record.js';
import type { Json } from './statement.js';

type FindPolicy = (connectionId: string) => ConnectionPolicy | null;
type TextField = 'userName' | 'displayName' | 'givenName' | 'familyName' | 'email';
const TEXT_FIELDS: readonly TextField[] = ['userName', 'displayName', 'givenName', 'familyName', 'email'];

/** What is wrong with a claim that shall become this field of a profile; null if it can be it. */
export function findProfileFault(field: TextField, value: Json): string | null {
  if (value === null) return null;
  if (typeof value !== 'string') return 'is not a text';
  if (value === '') return null;
  if (field === 'userName') return findUserNameFault(value, NAME_CHARS_MAX);
  if (field === 'displayName') return findDisplayNameFault(value, NAME_CHARS_MAX);
  return field === 'email' ? findEmailFault(value) : findTextFault(value, NAME_CHARS_MAX);
}

/**
 * The first field of a profile that the facts state with a value that it cannot hold. Throws `ExpressionFailure` any
 * of the mapping's expressions but its rules fails, so that whoever asks after this need not expect it.
 */
export function findProfileFaults(effective: EffectiveFacts): { field: string; detail: string } | null {
  for (const field of TEXT_FIELDS) {
    const stated = effective.field(field);
    const detail = stated ? findProfileFault(field, stated.value) : null;
    if (detail !== null) return { field, detail };
  }
  for (const field of ['emailVerified', 'groups', 'entitlements']) effective.field(field);
  for (const name of effective.attributeNames()) effective.field(`attributes.${name}`);
  return null;
}

/**
 * The user's profile: each field from the first of their identities, the oldest first, that states it; what none states
 * stays as the user's row has it, where admins may edit it. Answers the same row if nothing moved.
 *
 * @param known the effective facts of one identity, if they are there already
 */
export function deriveProfile(
  person: Person,
  findPolicy: FindPolicy,
  known?: { identityId: string; effective: EffectiveFacts },
): UserState {
  const { user } = person;
  const heard = hear(person, findPolicy, known);
  if (heard.length === 0) return user;
  const next: Profile = { ...user, attributes: user.attributes };
  for (const field of TEXT_FIELDS) {
    const stated = findStated(heard, field);
    if (stated) next[field] = typeof stated.value === 'string' && stated.value !== '' ? stated.value : null;
  }
  const email = findStated(heard, 'email');
  // Whether an address is verified is said by whoever says the address, and by nobody else.
  if (email) next.emailVerified = readField(email.effective, 'emailVerified')?.value === true;

  const names = new Set(Object.keys(user.attributes));
  for (const { effective } of heard) for (const name of effective.attributeNames()) names.add(name);
  if (names.size > 0) next.attributes = deriveAttributes(user.attributes, names, heard);

  const same = TEXT_FIELDS.every((field) => next[field] === user[field]) && next.emailVerified === user.emailVerified;
  return same && next.attributes === user.attributes ? user : { ...user, ...next };
}

/** The connection that states this field of the user (`email`, `attributes.department` …); null where admins may edit it. */
export function ownerOf(person: Person, field: string, findPolicy: FindPolicy): string | null {
  return (
    findStated(hear(person, findPolicy), field === 'emailVerified' ? 'email' : field)?.identity.connectionId ?? null
  );
}

/**
 * Whether the user's own address is proven (E2): by an admin, where no connection states it, else by a connection that is
 * authoritative for its domain and calls it verified. That any other does proves nothing: whoever may register there can
 * do so under somebody else's address, and wait for them.
 */
export function isAddressProven(person: Person, findPolicy: FindPolicy): boolean {
  const { email, emailVerified } = person.user;
  if (email === null || !emailVerified) return false;
  const emailKey = normaliseKey(email);
  const domain = emailDomain(emailKey);
  const heard = hear(person, findPolicy);
  if (heard.length === person.identities.length && findStated(heard, 'email') === null) return true;
  return heard.some(({ identity, effective }) => {
    if (domain === null || !findPolicy(identity.connectionId)?.authoritativeDomains.includes(domain)) return false;
    const stated = readField(effective, 'email')?.value;
    return (
      typeof stated === 'string' &&
      normaliseKey(stated) === emailKey &&
      readField(effective, 'emailVerified')?.value === true
    );
  });
}

interface Heard {
  identity: IdentityState;
  effective: EffectiveFacts;
}

function hear(
  person: Person,
  findPolicy: FindPolicy,
  known?: { identityId: string; effective: EffectiveFacts },
): Heard[] {
  const oldestFirst =
    person.identities.length < 2
      ? person.identities
      : [...person.identities].sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  return oldestFirst.flatMap((identity) => {
    if (identity.id === known?.identityId) return [{ identity, effective: known.effective }];
    const policy = findPolicy(identity.connectionId);
    return policy ? [{ identity, effective: new EffectiveFacts(identity.facts, policy) }] : [];
  });
}

function findStated(heard: readonly Heard[], field: string): (StatedField & Heard) | null {
  for (const { identity, effective } of heard) {
    const stated = readField(effective, field);
    if (!stated || (field === 'userName' && !holdsName(identity, stated.value))) continue;
    return { ...stated, identity, effective };
  }
  return null;
}

/** A mapping that fails is the plan's to refuse for its own connection; here it may be another's, and states nothing. */
function readField(effective: EffectiveFacts, field: string): StatedField | null {
  try {
    return effective.field(field);
  } catch (error) {
    if (error instanceof ExpressionFailure) return null;
    throw error;
  }
}

/** A user name that another identity of the connection holds is stated in vain (rule 5). */
function holdsName(identity: IdentityState, name: Json): boolean {
  return typeof name !== 'string' || name === '' || identity.userNameKey === normaliseKey(name);
}

function deriveAttributes(
  before: Profile['attributes'],
  names: ReadonlySet<string>,
  heard: readonly Heard[],
): Profile['attributes'] {
  const after: Profile['attributes'] = {};
  for (const name of [...names].sort()) {
    const stated = findStated(heard, `attributes.${name}`);
    if (stated === null) {
      if (Object.hasOwn(before, name)) after[name] = before[name];
    } else if (stated.value !== null) after[name] = stated.value;
  }
  return sameJson(before as Json, after as Json) ? before : after;
}
