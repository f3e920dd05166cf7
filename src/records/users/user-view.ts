import { effectiveHoldings, type Holding } from '../../plan/holdings.js';
import type { BlockState, GrantState, IdentityState, Person } from '../../plan/person.js';
import { formatTime, type Micros } from '../../platform/clock.js';
import type { BlockView, GrantSourceView, HeldRoleView, IdentityView, UserView } from './user-view.dto.js';

/** A person as admins see them at this moment. */
export function toUserView(person: Person, now: Micros): UserView {
  const { user } = person;
  const holdings = effectiveHoldings(person, now);
  const held = (kind: Holding['kind']): HeldRoleView[] => holdings.filter((each) => each.kind === kind).map(toHeldView);
  return {
    id: user.id,
    userName: user.userName,
    displayName: user.displayName,
    givenName: user.givenName,
    familyName: user.familyName,
    email: user.email,
    emailVerified: user.emailVerified,
    suspended: user.suspended,
    attributes: user.attributes,
    version: user.version,
    createdAt: formatTime(user.createdAt),
    updatedAt: formatTime(user.updatedAt),
    identities: person.identities.map(toIdentityView),
    roles: held('role'),
    entitlements: held('entitlement'),
    blocks: [...person.blocks].sort((a, b) => (a.kind + a.key < b.kind + b.key ? -1 : 1)).map(toBlockView),
  };
}

function toHeldView({ key, effective, grants }: Holding): HeldRoleView {
  return {
    key,
    effective,
    grants: [...grants]
      .sort((a, b) => a.grant.since - b.grant.since)
      .map(({ grant, counts }) => ({
        source: toSourceView(grant),
        since: formatTime(grant.since),
        until: grant.source === 'admin' ? formatOptional(grant.until) : null,
        counts,
        ...(grant.source === 'admin' && grant.parkedAt !== undefined ? { parked: true } : {}),
      })),
  };
}

function toSourceView(grant: GrantState): GrantSourceView {
  if (grant.source === 'admin') return { admin: grant.adminId, reason: grant.reason };
  const { connectionId, rule, mappingVersion, because } = grant;
  return { connection: connectionId, rule, mappingVersion, because };
}

function toIdentityView(identity: IdentityState): IdentityView {
  const { facts } = identity;
  return {
    id: identity.id,
    connection: identity.connectionId,
    externalId: identity.externalId,
    subject: identity.subject,
    active: identity.active,
    scope: identity.scope,
    leavingAt: formatOptional(identity.leavingAt),
    lastLoginAt: formatOptional(identity.lastLoginAt),
    notBefore: formatOptional(identity.notBefore),
    statedAt: { push: formatOptional(facts.push?.at ?? null), token: formatOptional(facts.token?.at ?? null) },
    createdAt: formatTime(identity.createdAt),
  };
}

function toBlockView(block: BlockState): BlockView {
  return {
    [block.kind]: block.key,
    by: block.adminId,
    reason: block.reason,
    since: formatTime(block.since),
    until: formatOptional(block.until),
  };
}

function formatOptional(at: Micros | null): string | null {
  return at === null ? null : formatTime(at);
}
