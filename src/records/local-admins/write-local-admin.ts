import { type EntityManager, In } from 'typeorm';
import type { LedgerService, NewEvent } from '../../ledger/ledger.service.js';
import type { Micros } from '../../platform/clock.js';
import { newId } from '../../platform/ids.js';
import { duplicateOf } from '../../platform/database-errors.js';
import { Problem } from '../../platform/problem.js';
import { normaliseKey } from '../../platform/text-key.js';
import { endSessions } from '../sessions/end-sessions.js';
import { ADMIN_SOURCE, GrantEntity } from '../users/grant.entity.js';
import { UserEntity } from '../users/user.entity.js';
import { LocalPasswordEntity, OneTimeLinkEntity } from './local-password.entity.js';
import { NO_GUESSES } from './lock-out.js';

export interface LocalAdminOrder {
  tenantId: string;
  userName: string;
  displayName: string | null;
  roles: readonly string[];
  /** Null: there is none yet, a one-time link will set it. */
  passwordHash: string | null;
  reason: string | null;
}

export interface Writing extends Pick<NewEvent, 'actor' | 'via'> {
  now: Micros;
  ledger: LedgerService;
}

/** No password at all: it matches nothing. */
export const NO_PASSWORD = '';

/**
 * A local admin: a user, their password, and an admin's grants of roles, inside the caller's transaction. Roles must
 * exist. A user name that another local admin of the tenant has throws the driver's duplicate error (`duplicateOf`).
 */
export async function insertLocalAdmin(
  tx: EntityManager,
  order: LocalAdminOrder,
  writing: Writing,
): Promise<UserEntity> {
  const { now, actor, via } = writing;
  const { tenantId, userName, displayName } = order;
  const user: UserEntity = {
    id: newId(),
    tenantId,
    userName,
    userNameKey: normaliseKey(userName),
    displayName,
    displayNameKey: displayName === null ? null : normaliseKey(displayName),
    givenName: null,
    familyName: null,
    email: null,
    emailKey: null,
    emailVerified: false,
    attributes: {},
    suspended: false,
    version: 1,
    createdAt: now,
    updatedAt: now,
  };
  await tx.insert(UserEntity, { ...user, attributes: {} });
  await tx.insert(LocalPasswordEntity, {
    userId: user.id,
    tenantId,
    userNameKey: normaliseKey(userName),
    passwordHash: order.passwordHash ?? NO_PASSWORD,
    guesses: NO_GUESSES,
    updatedAt: now,
  });
  const grants = order.roles.map((key) => ({
    userId: user.id,
    kind: 'role' as const,
    heldKey: key,
    sourceId: ADMIN_SOURCE,
    rule: '',
    tenantId,
    connectionId: null,
    mappingVersion: 0,
    because: null,
    adminId: actor.id,
    reason: order.reason,
    since: now,
    until: null,
  }));
  if (grants.length > 0) await tx.insert(GrantEntity, grants);
  await writing.ledger.record(tx, [
    {
      tenantId,
      type: 'user.created',
      subject: { type: 'user', id: user.id, version: 1 },
      actor,
      via,
      reason: order.reason,
      fields: ['userName', ...(displayName === null ? [] : ['displayName']), ...(grants.length > 0 ? ['roles'] : [])],
      personal: {
        granted: order.roles.map((key) => ({ kind: 'role', key, rule: null, connectionId: null, because: null })),
        revoked: [],
      },
    },
  ]);
  return user;
}

/** Sets the password, forgets guesses, and ends the user's sessions. */
export async function setLocalPassword(
  tx: EntityManager,
  user: Pick<UserEntity, 'id' | 'tenantId' | 'version'>,
  passwordHash: string,
  writing: Writing,
): Promise<void> {
  const { now, actor, via } = writing;
  await tx.update(LocalPasswordEntity, { userId: user.id }, { passwordHash, guesses: NO_GUESSES, updatedAt: now });
  await endSessions(tx, 'userId', [user.id], 'password_changed', now);
  await writing.ledger.record(tx, [
    {
      tenantId: user.tenantId,
      type: 'local_admin.password_set',
      subject: { type: 'user', id: user.id, version: user.version },
      actor,
      via,
      fields: ['password'],
    },
  ]);
}

/**
 * Whom an admin gives another user name logs in by that one, if they are a local admin; without a name they keep the one
 * that they had. Throws `name_taken`.
 */
export async function renameLocalAdmin(
  tx: EntityManager,
  { id, userName }: Pick<UserEntity, 'id' | 'userName'>,
): Promise<void> {
  if (userName === null) return;
  try {
    await tx.update(LocalPasswordEntity, { userId: id }, { userNameKey: normaliseKey(userName) });
  } catch (error) {
    throw duplicateOf(error) === null ? error : nameTaken();
  }
}

export function nameTaken(): Problem {
  return new Problem('name_taken', 'Another local admin of the tenant has that user name.', {
    faults: [{ pointer: '/userName', detail: 'is taken' }],
  });
}

/**
 * The name by which a local admin logs in: the user's, in the case that it has there, unless that has come to be another
 * (from an identity provider, or by a merge), which is none to log in with.
 */
export function loginNameOf(row: LocalPasswordEntity, user: Pick<UserEntity, 'userName'> | null): string {
  const userName = user?.userName ?? null;
  return userName !== null && normaliseKey(userName) === row.userNameKey ? userName : row.userNameKey;
}

/** Takes the passwords and open links of users who are deleted or merged away, inside that transaction. */
export async function removeLocalPasswords(tx: EntityManager, userIds: readonly string[]): Promise<void> {
  if (userIds.length === 0) return;
  await tx.delete(LocalPasswordEntity, { userId: In([...userIds]) });
  await tx.delete(OneTimeLinkEntity, { userId: In([...userIds]) });
}
