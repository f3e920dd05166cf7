import type { EntityManager } from 'typeorm';
import type { Micros } from '../../platform/clock.js';
import type { ConnectionSettings } from '../connections/connection-settings.js';
import type { SessionApplication } from './new-session.js';
import type { RefreshFacts } from './refresh-rule.js';
import { readSession, type SessionSqlRow, SESSION_SELECT } from './session-row.js';
import type { SessionEntity } from './session.entity.js';

export interface RefreshState {
  facts: RefreshFacts;
  session: SessionEntity;
  application: SessionApplication;
  mapping: { derived: number; current: number } | null;
}

interface Row extends SessionSqlRow {
  tokenUsedAt: number | null;
  tokenExpiresAt: number;
  successorExpiresAt: number | null;
  suspended: number;
  tenantStatus: string;
  audience: string;
  applicationRoles: string | null;
  identityActive: number | null;
  identityNotBefore: number | null;
  derivedVersion: number | null;
  connectionStatus: string | null;
  connectionSettings: string | null;
  currentVersion: number | null;
}

/** All that judges the use of a refresh token, in one read; null for a token that nobody has been given. */
export async function findRefreshState(
  manager: EntityManager,
  tokenHash: string,
  successorHash: string,
): Promise<RefreshState | null> {
  const [row] = await manager.query<Row[]>(
    `SELECT ${SESSION_SELECT}, r.usedAt AS tokenUsedAt, r.expiresAt AS tokenExpiresAt,
       n.expiresAt AS successorExpiresAt, u.suspended AS suspended, t.status AS tenantStatus,
       a.audience AS audience, a.roles AS applicationRoles,
       i.active AS identityActive, i.notBefore AS identityNotBefore, i.mappingVersion AS derivedVersion,
       c.status AS connectionStatus, c.settings AS connectionSettings, c.mappingVersion AS currentVersion
     FROM refresh_tokens r
     JOIN sessions s ON s.id = r.sessionId
     JOIN users u ON u.id = s.userId AND u.tenantId = s.tenantId
     JOIN tenants t ON t.id = s.tenantId
     JOIN applications a ON a.id = s.applicationId AND a.tenantId = s.tenantId
     LEFT JOIN refresh_tokens n ON n.tokenHash = ? AND n.sessionId = r.sessionId
     LEFT JOIN identities i ON i.id = s.identityId AND i.userId = s.userId
     LEFT JOIN connections c ON c.id = s.connectionId AND c.tenantId = s.tenantId
     WHERE r.tokenHash = ?`,
    [successorHash, tokenHash],
  );
  if (!row) return null;
  const session = readSession(row);
  return {
    session,
    facts: readFacts(row, session),
    application: {
      id: session.applicationId,
      audience: row.audience,
      roles: row.applicationRoles === null ? null : (JSON.parse(row.applicationRoles) as string[] | null),
    },
    mapping:
      row.derivedVersion === null || row.currentVersion === null
        ? null
        : { derived: row.derivedVersion, current: row.currentVersion },
  };
}

function readFacts(row: Row, session: SessionEntity): RefreshFacts {
  return {
    token: { usedAt: toMicros(row.tokenUsedAt), expiresAt: Number(row.tokenExpiresAt) },
    successorExpiresAt: toMicros(row.successorExpiresAt),
    session,
    tenantActive: row.tenantStatus === 'active',
    userSuspended: Boolean(row.suspended),
    connection:
      session.connectionId === null
        ? null
        : {
            exists: row.connectionStatus !== null,
            active: row.connectionStatus === 'active',
            loginEnabled: isLoginEnabled(row.connectionSettings),
          },
    identity:
      session.identityId === null
        ? null
        : {
            exists: row.identityActive !== null,
            active: Boolean(row.identityActive),
            notBefore: toMicros(row.identityNotBefore),
          },
  };
}

function isLoginEnabled(settings: string | null): boolean {
  return settings !== null && (JSON.parse(settings) as ConnectionSettings).login.enabled;
}

function toMicros(value: number | null): Micros | null {
  return value === null ? null : Number(value);
}
