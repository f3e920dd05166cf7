import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Principal } from '../../platform/access.js';
import { Clock, type Micros, SECOND } from '../../platform/clock.js';
import { type Config, publicUrlOf } from '../../platform/config.js';
import { Database } from '../../platform/database.js';
import { CONFIG } from '../../platform/config.js';
import { findEffectiveRoles, permissionsOf } from '../users/effective-roles.js';
import { KeyAuthentication } from '../api-keys/key-authentication.js';
import type { AccessTokenClaims, MachineTokenClaims } from './access-token.js';

interface Row {
  privileged: number;
  expiresAt: number;
  endedAt: number | null;
  suspended: number;
  tenantStatus: string;
  audience: string;
}

/** Who calls with an access token: read afresh with each request, so that every change counts at once (F8). */
@Injectable()
export class SessionPrincipals {
  /** The `iss` of our tokens. */
  readonly issuer: string;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly keys: KeyAuthentication,
  ) {
    this.issuer = publicUrlOf(config);
  }

  /**
   * The principal of an access token whose signature and issuer are right, or null: expired, or its session, user or
   * tenant is over. Its audience must be the session's application: a token of any application of the tenant is good
   * here, because what it may do follows from its user's roles and not from where it was issued to.
   */
  async find(claims: AccessTokenClaims | MachineTokenClaims): Promise<Principal | null> {
    const now = this.clock.now();
    if (typeof claims.exp !== 'number' || claims.exp * SECOND <= now) return null;
    if (!('sid' in claims)) return this.keys.findPrincipal(claims.sub, claims.tid);
    const found = await findSessionPrincipal(this.database.read, claims, now);
    return found && found.audience === claims.aud ? found.principal : null;
  }
}

/**
 * What a session is now: who calls, with what they may do, and the audience of its application. Null where the session,
 * its user or its tenant is over.
 */
export async function findSessionPrincipal(
  manager: EntityManager,
  { sid, tid, sub }: Pick<AccessTokenClaims, 'sid' | 'tid' | 'sub'>,
  now: Micros,
): Promise<{ principal: Principal; audience: string } | null> {
  const [rows, roles] = await Promise.all([
    manager.query<Row[]>(
      `SELECT s.privileged AS privileged, s.expiresAt AS expiresAt, s.endedAt AS endedAt, u.suspended AS suspended,
         t.status AS tenantStatus, a.audience AS audience
       FROM sessions s
       JOIN users u ON u.id = s.userId AND u.tenantId = s.tenantId
       JOIN tenants t ON t.id = s.tenantId
       JOIN applications a ON a.id = s.applicationId AND a.tenantId = s.tenantId
       WHERE s.id = ? AND s.tenantId = ? AND s.userId = ?`,
      [sid, tid, sub],
    ),
    findEffectiveRoles(manager, tid, sub, now),
  ]);
  const row = rows[0];
  if (!row || row.endedAt !== null || Number(row.expiresAt) <= now) return null;
  if (row.suspended || row.tenantStatus !== 'active') return null;
  const principal: Principal = {
    type: 'user',
    id: sub,
    tenantId: tid,
    permissions: permissionsOf(roles, Boolean(row.privileged)),
    connectionId: null,
    sessionId: sid,
    operatorOf: null,
  };
  return { principal, audience: row.audience };
}
