import { readStated } from '../../plan/facts.js';
import { effectiveHoldings } from '../../plan/holdings.js';
import type { HeldKind, IdentityState, Person } from '../../plan/person.js';
import type { Json } from '../../plan/statement.js';
import { formatTime, type Micros } from '../../platform/clock.js';
import type { UserRecordView } from './user-record.dto.js';

/**
 * A person as sync records, which `POST /users/sync` of another Rollcall takes as they are.
 *
 * Without a connection there is one, told as from Rollcall itself: `externalId` is the user's id, by which events name
 * them too, roles and entitlements are the effective ones. With a connection there is one for each identity there, in
 * its words: its `externalId`, and of roles, groups and entitlements what its pushes named.
 */
export function toUserRecords(person: Person, connectionId: string | null, now: Micros): UserRecordView[] {
  if (connectionId === null) return [toOwnRecord(person, now)];
  return person.identities
    .filter((identity) => identity.connectionId === connectionId)
    .map((identity) => toRecordOf(person, identity));
}

function toOwnRecord(person: Person, now: Micros): UserRecordView {
  const { user, identities } = person;
  const holdings = effectiveHoldings(person, now);
  const held = (kind: HeldKind): string[] =>
    holdings.flatMap((each) => (each.kind === kind && each.effective ? [each.key] : []));
  return {
    externalId: user.id,
    ...profileOf(person),
    active: !user.suspended && (identities.length === 0 || identities.some(({ active }) => active)),
    roles: held('role'),
    groups: [...new Set(identities.flatMap((identity) => statedList(identity, 'groups')))].sort(),
    entitlements: held('entitlement'),
    statedAt: formatTime(user.updatedAt),
  };
}

function toRecordOf(person: Person, identity: IdentityState): UserRecordView {
  const { push, token } = identity.facts;
  return {
    externalId: identity.externalId ?? identity.subject,
    ...profileOf(person),
    active: identity.active,
    roles: statedList(identity, 'roles'),
    groups: statedList(identity, 'groups'),
    entitlements: statedList(identity, 'entitlements'),
    statedAt: formatTime(push?.at ?? token?.at ?? identity.createdAt),
  };
}

type ProfileOfRecord = Pick<
  UserRecordView,
  'userName' | 'name' | 'displayName' | 'email' | 'emailVerified' | 'attributes'
>;

function profileOf({ user }: Person): ProfileOfRecord {
  return {
    userName: user.userName,
    name: { givenName: user.givenName, familyName: user.familyName },
    displayName: user.displayName,
    email: user.email,
    emailVerified: user.emailVerified,
    attributes: user.attributes,
  };
}

/** What pushes named; where they never did, what a token did. */
function statedList(identity: IdentityState, field: 'roles' | 'groups' | 'entitlements'): string[] {
  const { push, token } = identity.facts;
  const stated = readStated(push, field) ?? readStated(token, field) ?? readStated(token, `claims.${field}`);
  return toTexts(stated?.value);
}

function toTexts(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
