import { SESSION_COLUMNS } from './new-session.js';
import type { SessionEntity } from './session.entity.js';

/** The columns of a session in a hand-written query, in which `sessions` is `s`. */
export const SESSION_SELECT = SESSION_COLUMNS.map((column) => `s.${column} AS ${column}`).join(', ');

type Stored = 'privileged' | 'amr';
export type SessionSqlRow = Omit<SessionEntity, Stored> & { privileged: number | boolean; amr: string };

/** What the drivers give for SESSION_SELECT, as a session. */
export function readSession(row: SessionSqlRow): SessionEntity {
  return {
    id: row.id,
    tenantId: row.tenantId,
    userId: row.userId,
    connectionId: row.connectionId,
    identityId: row.identityId,
    applicationId: row.applicationId,
    privileged: Boolean(row.privileged),
    authTime: Number(row.authTime),
    amr: JSON.parse(row.amr) as string[],
    address: row.address,
    userAgent: row.userAgent,
    createdAt: Number(row.createdAt),
    lastUsedAt: Number(row.lastUsedAt),
    expiresAt: Number(row.expiresAt),
    endedAt: row.endedAt === null ? null : Number(row.endedAt),
    endReason: row.endReason,
    refreshHash: row.refreshHash,
    refreshUntil: Number(row.refreshUntil),
    tokenMark: row.tokenMark,
  };
}
