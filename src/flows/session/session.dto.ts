import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import { formatTime, type Micros } from '../../platform/clock.js';
import { PageQuery } from '../../platform/page-query.dto.js';
import { SESSION_STATES, type SessionState, stateOf } from '../../records/sessions/session-list.js';
import type { SessionEntity } from '../../records/sessions/session.entity.js';

export class RefreshBody {
  /** The refresh token of the last answer. */
  @IsString()
  @MaxLength(512)
  refresh_token: string;
}

export class SessionQuery extends PageQuery {
  /** Id of a user. */
  @IsOptional()
  @IsString()
  @MaxLength(36)
  user?: string;

  /** Id of a connection. */
  @IsOptional()
  @IsString()
  @MaxLength(36)
  connection?: string;

  /** `expired`: over by its age or for want of use. */
  @IsOptional()
  @IsIn(SESSION_STATES)
  state?: SessionState;
}

export class SessionView {
  id: string;
  /** Id of the user. */
  user: string;
  /** Id of the connection that opened it; null for a local admin's. */
  connection: string | null;
  /** Id of the application that its tokens are for. */
  application: string;
  /** False: the user's privileged roles are withheld from it. */
  privileged: boolean;
  state: 'active' | 'ended' | 'expired';
  /** Is it the session of this request? */
  current: boolean;
  /** When the user proved who they are. */
  authTime: string;
  /** How (RFC 8176). */
  amr: string[];
  address: string | null;
  userAgent: string | null;
  createdAt: string;
  lastUsedAt: string;
  /** The end that no refresh moves. */
  expiresAt: string;
  endedAt: string | null;
  endReason: string | null;
}

export class SessionListView {
  items: SessionView[];
  cursor: string | null;
}

export class EndedView {
  /** How many sessions ran and have ended. */
  ended: number;
}

export function toSessionView(
  session: SessionEntity,
  currentId: string | null,
  idleMicros: Micros,
  now: Micros,
): SessionView {
  return {
    id: session.id,
    user: session.userId,
    connection: session.connectionId,
    application: session.applicationId,
    privileged: session.privileged,
    state: stateOf(session, idleMicros, now),
    current: session.id === currentId,
    authTime: formatTime(session.authTime),
    amr: session.amr,
    address: session.address,
    userAgent: session.userAgent,
    createdAt: formatTime(session.createdAt),
    lastUsedAt: formatTime(session.lastUsedAt),
    expiresAt: formatTime(session.expiresAt),
    endedAt: session.endedAt === null ? null : formatTime(session.endedAt),
    endReason: session.endReason,
  };
}
