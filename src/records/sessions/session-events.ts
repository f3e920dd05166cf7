import type { NewEvent } from '../../ledger/ledger.service.js';
import type { EndReason } from './end-sessions.js';
import type { SessionEntity } from './session.entity.js';

type Origin = Pick<NewEvent, 'actor' | 'via'>;
type EndedSession = Pick<SessionEntity, 'id' | 'tenantId' | 'userId' | 'address'>;

/** A session is version 1 when it begins and version 2 when it has ended. */
const ENDED = 2;

export function sessionEnded(session: EndedSession, reason: EndReason, origin: Origin): NewEvent {
  return { ...about(session, origin), type: 'session.ended', reason, fields: ['endedAt'] };
}

/** A refresh token was used again after its grace: somebody has a copy of it. */
export function refreshReused(session: EndedSession, origin: Origin): NewEvent {
  return { ...about(session, origin), type: 'session.refresh_reused', reason: 'refresh_token_reused' };
}

function about(session: EndedSession, origin: Origin): Omit<NewEvent, 'type'> {
  return {
    ...origin,
    tenantId: session.tenantId,
    subject: { type: 'session', id: session.id, version: ENDED },
    personal: { user: session.userId, address: session.address },
    personalSubjectId: session.userId,
  };
}

/** An attempt that was let in. Attempts have no place among the versions of their subject, so its version is 0. */
export function loginSucceeded(session: SessionEntity, remark?: string): NewEvent {
  const { id, tenantId, userId, connectionId, address, userAgent } = session;
  return {
    tenantId,
    type: 'login.succeeded',
    subject: { type: 'user', id: userId, version: 0 },
    actor: { type: 'user', id: userId },
    via: 'login',
    ...(remark === undefined ? {} : { reason: remark }),
    personal: { session: id, connection: connectionId, address, userAgent },
  };
}
