import { Inject, Injectable } from '@nestjs/common';
import type { Principal } from '../../platform/access.js';
import { Clock, SECOND } from '../../platform/clock.js';
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
    const [rows, roles] = await Promise.all([
      this.database.read.query<Row[]>(
        `SELECT s.privileged AS privileged, s.expiresAt AS expiresAt, s.endedAt AS endedAt, u.suspended AS suspended,
           t.status AS tenantStatus, a.audience AS audience
         FROM sessions s
         JOIN users u ON u.id = s.userId AND u.tenantId = s.tenantId
         JOIN tenants t ON t.id = s.tenantId
         JOIN applications a ON a.id = s.applicationId AND a.tenantId = s.tenantId
         WHERE s.id = ? AND s.tenantId = ? AND s.userId = ?`,
        [claims.sid, claims.tid, claims.sub],
      ),
      findEffectiveRoles(this.database.read, claims.tid, claims.sub, now),
    ]);
    const row = rows[0];
    if (!row || row.endedAt !== null || Number(row.expiresAt) <= now) return null;
    if (row.suspended || row.tenantStatus !== 'active' || row.audience !== claims.aud) return null;
    return {
      type: 'user',
      id: claims.sub,
      tenantId: claims.tid,
      permissions: permissionsOf(roles, Boolean(row.privileged)),
      connectionId: null,
      sessionId: claims.sid,
      operatorOf: null,
    };
  }
}
