import { Injectable } from '@nestjs/common';
import { IsNull } from 'typeorm';
import { Clock } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { Problem } from '../../platform/problem.js';
import { ReplanService } from '../../provisioning/replan.service.js';
import { type Refreshed, RefreshService } from '../../records/sessions/refresh.service.js';
import { SessionEntity } from '../../records/sessions/session.entity.js';
import { SessionsService } from '../../records/sessions/sessions.service.js';
import { type TokenAnswer, toTokenAnswer } from '../../records/sessions/token-answer.dto.js';
import { findEffectiveRoles } from '../../records/users/effective-roles.js';

@Injectable()
export class SessionRefreshService {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly sessions: SessionsService,
    private readonly refreshing: RefreshService,
    private readonly replans: ReplanService,
  ) {}

  /** A new access token with the roles that the user holds now, and the next refresh token. */
  async refresh(refreshToken: string): Promise<TokenAnswer> {
    const refreshed = await this.refreshing.refresh(refreshToken);
    const { session, application } = refreshed;
    await this.replanIfBehind(refreshed);
    const now = this.clock.now();
    const roles = await findEffectiveRoles(this.database.read, session.tenantId, session.userId, now);
    return toTokenAnswer(await this.sessions.signAccessToken(session, application, roles, now), refreshed.refreshToken);
  }

  /** An edited rule counts from the next refresh on, also where its re-plan has not come to this person yet (E5). */
  private async replanIfBehind({ session, mapping }: Refreshed): Promise<void> {
    if (!mapping || mapping.derived >= mapping.current || session.connectionId === null) return;
    await this.replans.replanUser(session.connectionId, session.userId);
    const going = await this.database.read.findOneBy(SessionEntity, { id: session.id, endedAt: IsNull() });
    if (!going) throw new Problem('session_over');
  }
}
