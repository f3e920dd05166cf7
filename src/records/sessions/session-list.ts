import type { EntityManager } from 'typeorm';
import type { Micros } from '../../platform/clock.js';
import type { SqlValue } from '../../platform/database.js';
import { Problem } from '../../platform/problem.js';
import { readSession, SESSION_SELECT, type SessionSqlRow } from './session-row.js';
import type { SessionEntity } from './session.entity.js';

/** `expired`: over by its age or for want of use, with nobody having ended it. */
export const SESSION_STATES = ['active', 'ended', 'expired'] as const;
export type SessionState = (typeof SESSION_STATES)[number];

export interface SessionFilter {
  tenantId: string;
  userId?: string;
  connectionId?: string;
  state?: SessionState;
  limit: number;
  cursor?: string;
}

export function stateOf(
  session: Pick<SessionEntity, 'endedAt' | 'expiresAt' | 'lastUsedAt'>,
  idleMicros: Micros,
  now: Micros,
): SessionState {
  if (session.endedAt !== null) return 'ended';
  return session.expiresAt > now && session.lastUsedAt + idleMicros > now ? 'active' : 'expired';
}

/** Sessions, the newest first. Throws `invalid_request` for a cursor that is none of ours. */
export async function findSessions(
  manager: EntityManager,
  filter: SessionFilter,
  idleMicros: Micros,
  now: Micros,
): Promise<{ items: SessionEntity[]; cursor: string | null }> {
  const where = ['s.tenantId = ?'];
  const values: SqlValue[] = [filter.tenantId];
  const and = (condition: string, ...more: SqlValue[]): void => {
    where.push(condition);
    values.push(...more);
  };
  if (filter.userId !== undefined) and('s.userId = ?', filter.userId);
  if (filter.connectionId !== undefined) and('s.connectionId = ?', filter.connectionId);
  if (filter.state === 'ended') and('s.endedAt IS NOT NULL');
  if (filter.state === 'active') {
    and('s.endedAt IS NULL AND s.expiresAt > ? AND s.lastUsedAt > ?', now, now - idleMicros);
  }
  if (filter.state === 'expired') {
    and('s.endedAt IS NULL AND (s.expiresAt <= ? OR s.lastUsedAt <= ?)', now, now - idleMicros);
  }
  if (filter.cursor !== undefined) {
    const [createdAt, id] = readCursor(filter.cursor);
    and('(s.createdAt < ? OR (s.createdAt = ? AND s.id < ?))', createdAt, createdAt, id);
  }
  const rows = await manager.query<SessionSqlRow[]>(
    `SELECT ${SESSION_SELECT} FROM sessions s WHERE ${where.join(' AND ')}
     ORDER BY s.createdAt DESC, s.id DESC LIMIT ${filter.limit + 1}`,
    values,
  );
  const items = rows.slice(0, filter.limit).map(readSession);
  const last = items.at(-1);
  return { items, cursor: rows.length > filter.limit && last ? writeCursor(last) : null };
}

function writeCursor({ createdAt, id }: SessionEntity): string {
  return Buffer.from(`${createdAt}.${id}`).toString('base64url');
}

function readCursor(cursor: string): [number, string] {
  const found = /^(\d{1,16})\.([0-9a-f-]{36})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'));
  if (!found) {
    throw new Problem('invalid_request', undefined, {
      faults: [{ pointer: '?cursor', detail: 'is not the cursor of an earlier answer' }],
    });
  }
  return [Number(found[1]), found[2] ?? ''];
}
