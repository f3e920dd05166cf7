import { Inject, Injectable } from '@nestjs/common';
import { IsNull } from 'typeorm';
import { LedgerService, SYSTEM } from '../../ledger/ledger.service.js';
import { Clock, SECOND, type Micros } from '../../platform/clock.js';
import type { Config } from '../../platform/config.js';
import { Database } from '../../platform/database.js';
import { CONFIG } from '../../platform/config.js';
import { Problem } from '../../platform/problem.js';
import { Sealer } from '../../platform/seal.js';
import { insertRows } from '../../platform/sql.js';
import { endSession } from './end-sessions.js';
import { findIdleEnd, type SessionApplication } from './new-session.js';
import { judgeRefresh } from './refresh-rule.js';
import { findRefreshState, type RefreshLink, type RefreshState } from './refresh-state.js';
import { deriveSuccessor, hashRefreshToken, readSessionId } from './refresh-token.js';
import { refreshReused, sessionEnded } from './session-events.js';
import { SessionEntity } from './session.entity.js';

const USED_COLUMNS = ['sessionId', 'tokenHash', 'tenantId', 'usedAt', 'expiresAt'] as const;

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
    const sessionId = readSessionId(refreshToken);
    if (sessionId === null) throw new Problem('session_over');
    const successor = deriveSuccessor(refreshToken, this.successorKey);
    const link: RefreshLink = {
      sessionId,
      tokenHash: hashRefreshToken(refreshToken),
      successorHash: hashRefreshToken(successor),
    };
    const grace = this.config.REFRESH_GRACE_SECONDS * SECOND;
    // Twice: whoever loses the race for the first use looks again, and finds a used token.
    for (let look = 1; look <= 2; look++) {
      const now = this.clock.now();
      const state = await findRefreshState(this.database.read, link);
      if (!state) break;
      const verdict = judgeRefresh(state.facts, grace, now);
      if (verdict === 'refused') break;
      if (verdict === 'reused') {
        await this.endReused(state.session, now);
        break;
      }
      if (verdict === 'repeat' || (await this.rotate(link, state.session, now))) {
        return toRefreshed(state, successor);
      }
    }
    throw new Problem('session_over');
  }

  /**
   * False: somebody else has used the token since it was read, or the session has ended. One statement takes the
   * token's place, and sees what was committed since, because it locks the row.
   */
  private async rotate({ tokenHash, successorHash }: RefreshLink, session: SessionEntity, now: Micros) {
    return this.database.transaction(async (tx) => {
      const taken = await tx.update(
        SessionEntity,
        { id: session.id, refreshHash: tokenHash, endedAt: IsNull() },
        {
          refreshHash: successorHash,
          refreshUntil: findIdleEnd(session.expiresAt, this.config.REFRESH_IDLE_SECONDS, now),
          lastUsedAt: now,
        },
      );
      if (taken.affected !== 1) return false;
      await insertRows(tx, 'used_refresh_tokens', USED_COLUMNS, [
        [session.id, tokenHash, session.tenantId, now, session.refreshUntil],
      ]);
      return true;
    });
  }

  private async endReused(session: SessionEntity, now: Micros): Promise<void> {
    await this.database.transaction(async (tx) => {
      if (!(await endSession(tx, session.id, 'refresh_token_reused', now))) return;
      const origin = { actor: SYSTEM, via: 'rest' } as const;
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
