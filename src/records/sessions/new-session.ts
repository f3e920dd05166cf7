import { SECOND, type Micros } from '../../platform/clock.js';
import type { SqlValue } from '../../platform/database.js';
import { newId } from '../../platform/ids.js';
import { createRefreshToken, hashRefreshToken } from './refresh-token.js';
import type { SessionEntity } from './session.entity.js';

/** The columns of `sessions`, in the order of `PreparedSession.sessionRow`. */
export const SESSION_COLUMNS = [
  'id',
  'tenantId',
  'userId',
  'connectionId',
  'identityId',
  'applicationId',
  'privileged',
  'authTime',
  'amr',
  'address',
  'userAgent',
  'createdAt',
  'lastUsedAt',
  'expiresAt',
  'endedAt',
  'endReason',
  'refreshHash',
  'refreshUntil',
  'tokenMark',
] as const;

/** What of an application a session and its tokens need. */
export interface SessionApplication {
  id: string;
  audience: string;
  roles: readonly string[] | null;
}

export interface SessionRequest {
  tenantId: string;
  userId: string;
  /** Null, both, for a local admin. */
  connectionId: string | null;
  identityId: string | null;
  application: SessionApplication;
  /** False withholds privileged roles from this session (rule 4). */
  privileged: boolean;
  /** `auth_time` of the IdP's token, else its `iat`. */
  authTime: Micros;
  amr: readonly string[];
  /** Counted from `authTime`; null where the connection hears of leavers by itself. */
  maxSessionSeconds: number | null;
  /** See SessionEntity; null where there is no such token. */
  tokenMark: string | null;
  address: string | null;
  userAgent: string | null;
  now: Micros;
}

export interface SessionLimits {
  sessionMaxSeconds: number;
  refreshIdleSeconds: number;
}

export interface PreparedSession {
  session: SessionEntity;
  sessionRow: SqlValue[];
  /** Shown once; only its hash is in `sessionRow`. */
  refreshToken: string;
}

/**
 * A session that is not stored yet: a row for `insertRows(tx, 'sessions', SESSION_COLUMNS, …)`. Where
 * `maxSessionSeconds` after `authTime` is over already, `session.expiresAt` is not after `now`: the caller refuses the
 * login.
 */
export function prepareSession(request: SessionRequest, limits: SessionLimits): PreparedSession {
  const { now } = request;
  const longest = now + limits.sessionMaxSeconds * SECOND;
  const id = newId();
  const refreshToken = createRefreshToken(id);
  const expiresAt =
    request.maxSessionSeconds === null
      ? longest
      : Math.min(longest, request.authTime + request.maxSessionSeconds * SECOND);
  const session: SessionEntity = {
    id,
    tenantId: request.tenantId,
    userId: request.userId,
    connectionId: request.connectionId,
    identityId: request.identityId,
    applicationId: request.application.id,
    privileged: request.privileged,
    authTime: request.authTime,
    amr: [...request.amr],
    address: request.address?.slice(0, 45) ?? null,
    userAgent: request.userAgent?.slice(0, 255).toWellFormed() ?? null,
    createdAt: now,
    lastUsedAt: now,
    expiresAt,
    endedAt: null,
    endReason: null,
    refreshHash: hashRefreshToken(refreshToken),
    refreshUntil: findIdleEnd(expiresAt, limits.refreshIdleSeconds, now),
    tokenMark: request.tokenMark,
  };
  return {
    session,
    sessionRow: SESSION_COLUMNS.map((column) => (column === 'amr' ? JSON.stringify(session.amr) : session[column])),
    refreshToken,
  };
}

/** When a refresh token that is given now expires: it is idle after a while, and over with its session. */
export function findIdleEnd(sessionExpiresAt: Micros, refreshIdleSeconds: number, now: Micros): Micros {
  return Math.min(now + refreshIdleSeconds * SECOND, sessionExpiresAt);
}
