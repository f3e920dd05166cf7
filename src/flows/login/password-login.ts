import { Injectable } from '@nestjs/common';
import { Clock } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { PasswordCheck } from '../../records/local-admins/password-check.js';
import { SessionsService } from '../../records/sessions/sessions.service.js';
import { findEffectiveRoles } from '../../records/users/effective-roles.js';
import type { LoggedIn } from './logged-in.js';
import { LoginDirectory } from './login-directory.js';
import { LoginRefusal } from './login-refusal.js';
import type { Client } from './refusal-notes.js';

export interface PasswordRequest {
  tenant: string;
  userName: string;
  password: string;
  application: string | null;
}

/** Logs a local admin in: the first one, and those for the day the identity provider is down. */
@Injectable()
export class PasswordLogin {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly directory: LoginDirectory,
    private readonly passwords: PasswordCheck,
    private readonly sessions: SessionsService,
  ) {}

  /** Throws LoginRefusal, or Problem where it is not the caller's fault. */
  async login({ tenant, userName, password, application }: PasswordRequest, client: Client): Promise<LoggedIn> {
    const verdict = await this.passwords.verify(tenant, userName, password, client.address);
    if (!verdict.ok) throw new LoginRefusal(verdict.reason, verdict.tenantId, null, verdict.userId);
    const { tenantId, userId } = verdict;
    const target = await this.directory.findApplication(tenantId, application);
    if (!target) throw new LoginRefusal('application_unknown', tenantId, null, userId);
    return this.database.transaction(async (tx) => {
      const now = this.clock.now();
      const user = await this.passwords.findStillRight(tx, verdict);
      if (typeof user === 'string') throw new LoginRefusal(user, tenantId, null, userId);
      const prepared = await this.sessions.open(tx, {
        tenantId,
        userId,
        connectionId: null,
        identityId: null,
        application: target,
        privileged: true,
        authTime: now,
        amr: ['pwd'],
        tokenMark: null,
        maxSessionSeconds: null,
        ...client,
        now,
      });
      const roles = await findEffectiveRoles(tx, tenantId, userId, now);
      return { prepared, application: target, roles, profile: user, now };
    });
  }
}
