import { Inject, Injectable } from '@nestjs/common';
import { In, type EntityManager } from 'typeorm';
import { actorOf, LedgerService } from '../../ledger/ledger.service.js';
import type { Principal } from '../../platform/access.js';
import { Clock, type Micros, SECOND } from '../../platform/clock.js';
import { type Config, publicUrlOf } from '../../platform/config.js';
import { Database } from '../../platform/database.js';
import { newId } from '../../platform/ids.js';
import { CONFIG } from '../../platform/config.js';
import { Problem } from '../../platform/problem.js';
import { forUpdate } from '../../platform/row-locks.js';
import { insertRows } from '../../platform/sql.js';
import { IdentityEntity } from '../users/identity.entity.js';
import { raiseVersions } from '../users/raise-versions.js';
import { buildAccessTokenClaims, type MachineTokenClaims, signClaims, type TokenRole } from './access-token.js';
import { endSession, endSessions, type EndReason } from './end-sessions.js';
import {
  prepareSession,
  type PreparedSession,
  SESSION_COLUMNS,
  type SessionApplication,
  type SessionRequest,
} from './new-session.js';
import { loginSucceeded, sessionEnded } from './session-events.js';
import { SessionEntity } from './session.entity.js';
import { SigningKeysService } from './signing-keys.service.js';

export interface SignedToken {
  accessToken: string;
  expiresInSeconds: number;
}

/** Sessions begin with a login, are kept up by their refresh tokens, and end for a reason. */
@Injectable()
export class SessionsService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly keys: SigningKeysService,
  ) {}

  /** A session within this configuration's limits, as rows that the login writes in its own transaction. */
  prepareSession(request: SessionRequest): PreparedSession {
    return prepareSession(request, {
      sessionMaxSeconds: this.config.SESSION_MAX_SECONDS,
      refreshIdleSeconds: this.config.REFRESH_IDLE_SECONDS,
    });
  }

  /** An access token of this session for its application; `roles`: what its user holds in effect. */
  async signAccessToken(
    session: AccessTokenSession,
    application: SessionApplication,
    roles: readonly TokenRole[],
    now: Micros,
  ): Promise<SignedToken> {
    const claims = buildAccessTokenClaims({
      issuer: publicUrlOf(this.config),
      session,
      application,
      roles,
      lifeSeconds: this.config.ACCESS_TOKEN_SECONDS,
      jti: newId(),
      now,
    });
    const accessToken = signClaims(claims, await this.keys.getSigner(now));
    return { accessToken, expiresInSeconds: claims.exp - claims.iat };
  }

  /** A token that stands for an API key for a while, so that the key itself travels once. */
  async signMachineToken(key: Principal, application: SessionApplication): Promise<SignedToken> {
    const now = this.clock.now();
    const iat = Math.floor(now / SECOND);
    const exp = iat + this.config.ACCESS_TOKEN_SECONDS;
    const claims: MachineTokenClaims = {
      iss: publicUrlOf(this.config),
      aud: application.audience,
      sub: key.id,
      tid: key.tenantId,
      client_id: key.id,
      scope: [...key.permissions].join(' '),
      iat,
      exp,
      jti: newId(),
    };
    return { accessToken: signClaims(claims, await this.keys.getSigner(now)), expiresInSeconds: exp - iat };
  }

  /** Opens a session inside the caller's transaction, with the event that tells of the login. */
  async open(tx: EntityManager, request: SessionRequest): Promise<PreparedSession> {
    const prepared = this.prepareSession(request);
    await insertRows(tx, 'sessions', SESSION_COLUMNS, [prepared.sessionRow]);
    await this.ledger.record(tx, [loginSucceeded(prepared.session)]);
    return prepared;
  }

  /**
   * Ends one session of the caller's tenant, or with `userId` one of that user's. Throws `not_found`; a session that is
   * over already stays as it ended.
   */
  async end(caller: Principal, id: string, reason: EndReason, userId?: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const where = { id, tenantId: caller.tenantId, ...(userId === undefined ? {} : { userId }) };
      const session = await tx.findOneBy(SessionEntity, where);
      if (!session) throw new Problem('not_found');
      if (!(await endSession(tx, id, reason, this.clock.now()))) return;
      await this.ledger.record(tx, [sessionEnded(session, reason, { actor: actorOf(caller), via: 'rest' })]);
    });
  }

  /**
   * Ends all sessions of a user, and sets `notBefore` on their identities: no token from before logs in again (rule 7).
   * Answers how many sessions ran. Throws `not_found`.
   */
  async endAllOfUser(caller: Principal, userId: string): Promise<number> {
    return this.database.transaction(async (tx) => {
      const now = this.clock.now();
      const version = await this.raiseVersion(tx, caller.tenantId, userId, now);
      await tx.update(IdentityEntity, { userId }, { notBefore: now, revision: () => 'revision + 1' });
      const running = await this.findRunning(tx, userId, now);
      await endSessions(tx, 'userId', [userId], 'ended_by_admin', now);
      await this.ledger.record(tx, [
        {
          tenantId: caller.tenantId,
          type: 'user.sessions_ended',
          subject: { type: 'user', id: userId, version },
          actor: actorOf(caller),
          via: 'rest',
          reason: 'ended_by_admin',
          fields: ['notBefore'],
        },
        ...running.map((session) => sessionEnded(session, 'ended_by_admin', { actor: actorOf(caller), via: 'rest' })),
      ]);
      return running.length;
    });
  }

  /** First in its transaction: it locks the person, whose identities the version guards too. */
  private async raiseVersion(tx: EntityManager, tenantId: string, id: string, now: Micros): Promise<number> {
    const version = (await raiseVersions(tx, tenantId, [id], now)).get(id);
    if (version === undefined) throw new Problem('not_found');
    return version;
  }

  private async findRunning(tx: EntityManager, userId: string, now: Micros): Promise<SessionEntity[]> {
    const rows = await tx.query<{ id: string }[]>(
      `SELECT id FROM sessions WHERE userId = ? AND endedAt IS NULL AND expiresAt > ?${forUpdate(tx)}`,
      [userId, now],
    );
    return rows.length === 0 ? [] : tx.findBy(SessionEntity, { id: In(rows.map((row) => row.id)) });
  }
}

type AccessTokenSession = Pick<
  SessionEntity,
  'id' | 'tenantId' | 'userId' | 'privileged' | 'authTime' | 'amr' | 'expiresAt'
>;
