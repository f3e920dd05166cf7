import type { AdminGrant, BlockState, GrantState, IdentityState, UserState } from '../../plan/person.js';
import type { Facts } from '../../plan/facts.js';
import type { SqlValue } from '../../platform/database.js';
import type { SqlRow } from '../../platform/sql.js';
import { normaliseKey } from '../../platform/text-key.js';
import { ADMIN_SOURCE } from './grant.entity.js';

/** A person's states as rows of the tables, and back: one place for the order of columns. */

export const userColumns = [
  'id',
  'tenantId',
  'userName',
  'userNameKey',
  'displayName',
  'displayNameKey',
  'givenName',
  'familyName',
  'email',
  'emailKey',
  'emailVerified',
  'attributes',
  'suspended',
  'version',
  'createdAt',
  'updatedAt',
] as const;

export function userRow(user: UserState): SqlValue[] {
  return [
    user.id,
    user.tenantId,
    user.userName,
    keyOf(user.userName),
    user.displayName,
    keyOf(user.displayName),
    user.givenName,
    user.familyName,
    user.email,
    keyOf(user.email),
    user.emailVerified,
    JSON.stringify(user.attributes),
    user.suspended,
    user.version,
    user.createdAt,
    user.updatedAt,
  ];
}

export function readUser(row: SqlRow): UserState {
  return {
    id: text(row.id),
    tenantId: text(row.tenantId),
    userName: optionalText(row.userName),
    displayName: optionalText(row.displayName),
    givenName: optionalText(row.givenName),
    familyName: optionalText(row.familyName),
    email: optionalText(row.email),
    emailVerified: Boolean(row.emailVerified),
    attributes: JSON.parse(text(row.attributes)) as Record<string, unknown>,
    suspended: Boolean(row.suspended),
    version: Number(row.version),
    createdAt: Number(row.createdAt),
    updatedAt: Number(row.updatedAt),
  };
}

export const identityColumns = [
  'id',
  'tenantId',
  'connectionId',
  'userId',
  'externalId',
  'subject',
  'userNameKey',
  'active',
  'facts',
  'pushHash',
  'mappingVersion',
  'revision',
  'lastLoginAt',
  'notBefore',
  'scope',
  'leavingAt',
  'createdAt',
] as const;

export interface IdentityPlace {
  tenantId: string;
  userId: string;
  revision: number;
  pushHash: string | null;
}

export function identityRow(identity: IdentityState, place: IdentityPlace): SqlValue[] {
  return [
    identity.id,
    place.tenantId,
    identity.connectionId,
    place.userId,
    identity.externalId,
    identity.subject,
    identity.userNameKey,
    identity.active,
    JSON.stringify(identity.facts),
    place.pushHash,
    identity.mappingVersion,
    place.revision,
    identity.lastLoginAt,
    identity.notBefore,
    identity.scope,
    identity.leavingAt,
    identity.createdAt,
  ];
}

export function readIdentity(row: SqlRow): IdentityState {
  return {
    id: text(row.id),
    connectionId: text(row.connectionId),
    externalId: optionalText(row.externalId),
    subject: optionalText(row.subject),
    userNameKey: optionalText(row.userNameKey),
    active: Boolean(row.active),
    facts: JSON.parse(text(row.facts)) as Facts,
    mappingVersion: Number(row.mappingVersion),
    lastLoginAt: optionalNumber(row.lastLoginAt),
    notBefore: optionalNumber(row.notBefore),
    scope: optionalText(row.scope),
    leavingAt: optionalNumber(row.leavingAt),
    createdAt: Number(row.createdAt),
  };
}

export const grantColumns = [
  'userId',
  'kind',
  'heldKey',
  'sourceId',
  'rule',
  'tenantId',
  'connectionId',
  'mappingVersion',
  'because',
  'adminId',
  'reason',
  'since',
  'until',
  'parkedAt',
] as const;

export function grantRow(grant: GrantState, tenantId: string, userId: string): SqlValue[] {
  const held = [userId, grant.kind, grant.key];
  if (grant.source === 'admin') {
    const { adminId, reason, since, until, parkedAt = null } = grant;
    return [...held, ADMIN_SOURCE, '', tenantId, null, 0, null, adminId, reason, since, until, parkedAt];
  }
  const { identityId, rule, connectionId, mappingVersion, because, since } = grant;
  return [...held, identityId, rule, tenantId, connectionId, mappingVersion, because, null, null, since, null, null];
}

/** The primary key of a grant's row, in the order of its columns. */
export function grantKey(grant: GrantState, userId: string): SqlValue[] {
  return grant.source === 'admin'
    ? [userId, grant.kind, grant.key, ADMIN_SOURCE, '']
    : [userId, grant.kind, grant.key, grant.identityId, grant.rule];
}

export function readGrant(row: SqlRow): GrantState {
  const held = { kind: text(row.kind) as GrantState['kind'], key: text(row.heldKey), since: Number(row.since) };
  if (row.sourceId === ADMIN_SOURCE) {
    return {
      ...held,
      source: 'admin',
      adminId: text(row.adminId),
      reason: optionalText(row.reason),
      until: optionalNumber(row.until),
      ...(row.parkedAt === null ? {} : { parkedAt: Number(row.parkedAt) }),
    } satisfies AdminGrant;
  }
  return {
    ...held,
    source: 'connection',
    identityId: text(row.sourceId),
    connectionId: text(row.connectionId),
    rule: text(row.rule),
    mappingVersion: Number(row.mappingVersion),
    because: text(row.because),
  };
}

export const blockColumns = ['userId', 'kind', 'heldKey', 'tenantId', 'adminId', 'reason', 'since', 'until'] as const;

export function blockRow(block: BlockState, tenantId: string, userId: string): SqlValue[] {
  return [userId, block.kind, block.key, tenantId, block.adminId, block.reason, block.since, block.until];
}

export function readBlock(row: SqlRow): BlockState {
  return {
    kind: text(row.kind) as BlockState['kind'],
    key: text(row.heldKey),
    adminId: text(row.adminId),
    reason: optionalText(row.reason),
    since: Number(row.since),
    until: optionalNumber(row.until),
  };
}

function keyOf(value: string | null): string | null {
  return value === null ? null : normaliseKey(value);
}

function text(value: SqlValue | undefined): string {
  return String(value ?? '');
}

function optionalText(value: SqlValue | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}

function optionalNumber(value: SqlValue | undefined): number | null {
  return value === null || value === undefined ? null : Number(value);
}
