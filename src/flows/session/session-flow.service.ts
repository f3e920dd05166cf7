import { Inject, Injectable } from '@nestjs/common';
import type { Principal } from '../../platform/access.js';
import { Clock, SECOND } from '../../platform/clock.js';
import type { Config } from '../../platform/config.js';
import { Database } from '../../platform/database.js';
import { CONFIG } from '../../platform/config.js';
import { findSessions, type SessionState } from '../../records/sessions/session-list.js';
import { SessionEntity } from '../../records/sessions/session.entity.js';
import { findHeldGrants } from '../../records/users/held-roles.js';
import { UserEntity } from '../../records/users/user.entity.js';
import { type MeView, toHoldings, toMyUser } from './me.dto.js';
import { type SessionListView, toSessionView } from './session.dto.js';

export interface SessionSearch {
  user?: string;
  connection?: string;
  state?: SessionState;
  limit?: number;
  cursor?: string;
}

@Injectable()
export class SessionFlowService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  async describeCaller(caller: Principal): Promise<MeView> {
    const { type, id, tenantId: tenant, sessionId, connectionId: connection } = caller;
    const me = { type, id, tenant, session: sessionId, connection };
    const permissions = [...caller.permissions].sort();
    if (caller.sessionId === null) {
      return { ...me, permissions, user: null, roles: [], entitlements: [], withheld: [] };
    }
    const now = this.clock.now();
    const [user, session, grants] = await Promise.all([
      this.database.read.findOneByOrFail(UserEntity, { id: caller.id }),
      this.database.read.findOneByOrFail(SessionEntity, { id: caller.sessionId }),
      findHeldGrants(this.database.read, caller.tenantId, caller.id, now),
    ]);
    return { ...me, permissions, user: toMyUser(user), ...toHoldings(grants, session.privileged, now) };
  }

  async list(caller: Principal, search: SessionSearch): Promise<SessionListView> {
    const now = this.clock.now();
    const idleMicros = this.config.REFRESH_IDLE_SECONDS * SECOND;
    const filter = {
      tenantId: caller.tenantId,
      userId: search.user,
      connectionId: search.connection,
      state: search.state,
      limit: search.limit ?? 50,
      cursor: search.cursor,
    };
    const { items, cursor } = await findSessions(this.database.read, filter, idleMicros, now);
    return { items: items.map((session) => toSessionView(session, caller.sessionId, idleMicros, now)), cursor };
  }
}
