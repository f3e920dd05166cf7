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
  usedAt: number | null;
  usedExpiresAt: number | null;
  usedSuccessorExpiresAt: number | null;
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

/** Hashes of a refresh token and of the one that follows it, and the session of both. */
export interface RefreshLink {
  sessionId: string;
  tokenHash: string;
  successorHash: string;
}

/** All that judges the use of a refresh token, in one read; null for a token that nobody has been given. */
export async function findRefreshState(manager: EntityManager, link: RefreshLink): Promise<RefreshState | null> {
  const [row] = await manager.query<Row[]>(
    `SELECT ${SESSION_SELECT}, r.usedAt AS usedAt, r.expiresAt AS usedExpiresAt,
       n.expiresAt AS usedSuccessorExpiresAt, u.suspended AS suspended, t.status AS tenantStatus,
       a.audience AS audience, a.roles AS applicationRoles,
       i.active AS identityActive, i.notBefore AS identityNotBefore, i.mappingVersion AS derivedVersion,
       c.status AS connectionStatus, c.settings AS connectionSettings, c.mappingVersion AS currentVersion
     FROM sessions s
     JOIN users u ON u.id = s.userId AND u.tenantId = s.tenantId
     JOIN tenants t ON t.id = s.tenantId
     JOIN applications a ON a.id = s.applicationId AND a.tenantId = s.tenantId
     LEFT JOIN used_refresh_tokens r ON r.sessionId = s.id AND r.tokenHash = ?
     LEFT JOIN used_refresh_tokens n ON n.sessionId = s.id AND n.tokenHash = ?
     LEFT JOIN identities i ON i.id = s.identityId AND i.userId = s.userId
     LEFT JOIN connections c ON c.id = s.connectionId AND c.tenantId = s.tenantId
     WHERE s.id = ?`,
    [link.tokenHash, link.successorHash, link.sessionId],
  );
  if (!row) return null;
  const session = readSession(row);
  const facts = readFacts(row, session, link);
  if (!facts) return null;
  return {
    session,
    facts,
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

function readFacts(row: Row, session: SessionEntity, { tokenHash, successorHash }: RefreshLink): RefreshFacts | null {
  const { refreshHash, refreshUntil } = session;
  const isUnused = refreshHash === tokenHash;
  if (!isUnused && row.usedAt === null) return null;
  return {
    token: isUnused
      ? { usedAt: null, expiresAt: refreshUntil }
      : { usedAt: toMicros(row.usedAt), expiresAt: Number(row.usedExpiresAt) },
    successorExpiresAt: refreshHash === successorHash ? refreshUntil : toMicros(row.usedSuccessorExpiresAt),
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
