import { Inject, Injectable } from '@nestjs/common';
import { IsNull, type EntityManager } from 'typeorm';
import { LedgerService } from '../../ledger/ledger.service.js';
import { Clock, SECOND, type Micros } from '../../platform/clock.js';
import type { Config } from '../../platform/config.js';
import { Database } from '../../platform/database.js';
import { CONFIG } from '../../platform/config.js';
import { Problem } from '../../platform/problem.js';
import { Sealer } from '../../platform/seal.js';
import { insertRows } from '../../platform/sql.js';
import { endSession } from './end-sessions.js';
import { REFRESH_COLUMNS, refreshRowOf, type SessionApplication } from './new-session.js';
import { judgeRefresh } from './refresh-rule.js';
import { findRefreshState, type RefreshState } from './refresh-state.js';
import { deriveSuccessor, hashRefreshToken, isRefreshToken } from './refresh-token.js';
import { refreshReused, sessionEnded } from './session-events.js';
import { RefreshTokenEntity, SessionEntity } from './session.entity.js';

export interface Refreshed {
  session: SessionEntity;
  application: SessionApplication;
  refreshToken: string;
  /** The version of the mapping that the user's roles were last derived under, and the one in force (E5). */
  mapping: { derived: number; current: number } | null;
}

/** Keeps sessions going: each refresh token works once and gives one successor (RFC 9700, section 4.14.2). */
@Injectable()
export class RefreshService {
  private readonly successorKey: Buffer;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    sealer: Sealer,
  ) {
    this.successorKey = sealer.deriveKey('refresh token successor');
  }

  /**
   * Takes a refresh token for its successor. Throws `session_over`, in the same words whatever the reason; a use after
   * the grace ends the session and is told in the ledger, and leaves the user's other sessions alone.
   */
  async refresh(refreshToken: string): Promise<Refreshed> {
    if (!isRefreshToken(refreshToken)) throw new Problem('session_over');
    const tokenHash = hashRefreshToken(refreshToken);
    const successor = deriveSuccessor(refreshToken, this.successorKey);
    const grace = this.config.REFRESH_GRACE_SECONDS * SECOND;
    // Twice: whoever loses the race for the first use looks again, and finds a used token.
    for (let look = 1; look <= 2; look++) {
      const now = this.clock.now();
      const state = await findRefreshState(this.database.read, tokenHash, hashRefreshToken(successor));
      if (!state) break;
      const verdict = judgeRefresh(state.facts, grace, now);
      if (verdict === 'refused') break;
      if (verdict === 'reused') {
        await this.endReused(state.session, now);
        break;
      }
      if (verdict === 'repeat' || (await this.rotate(tokenHash, successor, state.session, now))) {
        return toRefreshed(state, successor);
      }
    }
    throw new Problem('session_over');
  }

  /** False: somebody else has used the token since it was read. */
  private async rotate(tokenHash: string, successor: string, session: SessionEntity, now: Micros): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      const used = await tx.update(RefreshTokenEntity, { tokenHash, usedAt: IsNull() }, { usedAt: now });
      if (used.affected !== 1) return false;
      await this.touch(tx, session.id, now);
      const limits = {
        refreshIdleSeconds: this.config.REFRESH_IDLE_SECONDS,
        sessionMaxSeconds: this.config.SESSION_MAX_SECONDS,
      };
      await insertRows(tx, 'refresh_tokens', REFRESH_COLUMNS, [refreshRowOf(successor, session, limits, now)]);
      return true;
    });
  }

  /** Sees an end that was committed since the session was read, because it locks the row. */
  private async touch(tx: EntityManager, id: string, now: Micros): Promise<void> {
    const touched = await tx.update(SessionEntity, { id, endedAt: IsNull() }, { lastUsedAt: now });
    if (touched.affected !== 1) throw new Problem('session_over');
  }

  private async endReused(session: SessionEntity, now: Micros): Promise<void> {
    await this.database.transaction(async (tx) => {
      if (!(await endSession(tx, session.id, 'refresh_token_reused', now))) return;
      const origin = { actor: { type: 'system', id: 'system' }, via: 'rest' } as const;
      await this.ledger.record(tx, [
        refreshReused(session, origin),
        sessionEnded(session, 'refresh_token_reused', origin),
      ]);
    });
  }
}

function toRefreshed(state: RefreshState, refreshToken: string): Refreshed {
  const { session, application, mapping } = state;
  return { session, application, mapping, refreshToken };
}
