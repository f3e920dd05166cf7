import { Clock } from '../../src/platform/clock.js';
import { newId } from '../../src/platform/ids.js';
import { selectRows, type SqlRow } from '../../src/platform/sql.js';
import { SessionEntity } from '../../src/records/sessions/session.entity.js';
import type { TestApp } from './start-app.js';

/** The events about a subject, in order, each with its personal part. */
export async function eventsOf(rollcall: TestApp, subjectId: string): Promise<(SqlRow & { personal: unknown })[]> {
  const rows = await selectRows(
    rollcall.database.read,
    'SELECT * FROM events WHERE subjectId = ? ORDER BY subjectVersion, id',
    [subjectId],
  );
  return rows.map((row) => ({ ...row, personal: typeof row.personal === 'string' ? JSON.parse(row.personal) : null }));
}

/** A running session of a user; answers its id. */
export async function seedSession(
  rollcall: TestApp,
  tenantId: string,
  userId: string,
  identityId: string | null = null,
): Promise<string> {
  const now = rollcall.app.get(Clock).now();
  const id = newId();
  await rollcall.database.transaction((tx) =>
    tx.insert(SessionEntity, {
      id,
      tenantId,
      userId,
      connectionId: null,
      identityId,
      applicationId: newId(),
      privileged: true,
      authTime: now,
      amr: [],
      address: null,
      userAgent: null,
      createdAt: now,
      lastUsedAt: now,
      expiresAt: now + 1e12,
      endedAt: null,
      endReason: null,
      refreshHash: newId(),
      refreshUntil: 0,
      tokenMark: null,
    }),
  );
  return id;
}

export async function endReasonOf(rollcall: TestApp, sessionId: string): Promise<string | null> {
  const session = await rollcall.database.read.findOneByOrFail(SessionEntity, { id: sessionId });
  return session.endedAt === null ? null : session.endReason;
}
