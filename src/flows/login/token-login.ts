import { Injectable } from '@nestjs/common';
import { effectiveRoles } from '../../plan/holdings.js';
import type { Outcome } from '../../plan/outcome.js';
import { Clock, type Micros } from '../../platform/clock.js';
import { Problem } from '../../platform/problem.js';
import type { KnownConnection } from '../../provisioning/connection-policies.js';
import { ProvisioningService } from '../../provisioning/provisioning.service.js';
import type { Effects, Settled, Submission } from '../../provisioning/submission.js';
import type { ApplicationEntity } from '../../records/applications/application.entity.js';
import { type PreparedSession, SESSION_COLUMNS } from '../../records/sessions/new-session.js';
import { loginSucceeded } from '../../records/sessions/session-events.js';
import { SessionsService } from '../../records/sessions/sessions.service.js';
import type { VerifiedToken } from '../../trust/trust.service.js';
import type { LoggedIn } from './logged-in.js';
import { LoginDirectory } from './login-directory.js';
import { answerTo, LoginRefusal, refuseAt } from './login-refusal.js';
import { type LoginRequest, TokenBeliever } from './token-believer.js';
import { isSignInOver, markOf, readClaims, readSignIn, toStatement } from './token-statement.js';

const ATTEMPTS_MAX = 3;

/** Logs a person in with the token of their IdP: check, plan, and write person, session and events in one transaction. */
@Injectable()
export class TokenLogin {
  constructor(
    private readonly clock: Clock,
    private readonly believer: TokenBeliever,
    private readonly directory: LoginDirectory,
    private readonly provisioning: ProvisioningService,
    private readonly sessions: SessionsService,
  ) {}

  /** Throws LoginRefusal, or Problem where it is not the token's fault. */
  async login(jwt: string, request: LoginRequest): Promise<LoggedIn> {
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const { known, token } = await this.believer.believe(jwt, request);
      const application = await this.directory.findApplication(known.row.tenantId, request.application);
      if (!application) throw refuseAt(known, 'application_unknown');
      const opening = this.open(known, token, application, request);
      const settled = await this.provisioning.submit(opening.submission);
      if (settled.kind !== 'moved') return this.conclude(settled, known, opening);
      // The connection was edited between the check and the write: check again under what it says now.
      this.believer.forget(known);
    }
    throw new Problem('conflict', 'The connection is being changed; log in again.', { retryAfterSeconds: 1 });
  }

  /** The statement, and the session that it opens if the plan lets it in. */
  private open(known: KnownConnection, token: VerifiedToken, application: ApplicationEntity, request: LoginRequest) {
    const startedAt = this.clock.now();
    // Before the plan: a login that is refused makes no user and changes none.
    if (isSignInOver(known, token.claims, token.issuedAt, startedAt)) throw refuseAt(known, 'sign_in_too_old');
    const reading = readClaims(known, token.claims, startedAt);
    const [fault] = reading.faults;
    if (fault) throw refuseAt(known, fault.code);
    const opening: Opening = { submission: null as never, logged: null, expired: false };
    opening.submission = {
      tenantId: known.row.tenantId,
      statement: toStatement(known, reading, token.issuedAt),
      purpose: 'login',
      via: 'login',
      actor: null,
      connectionVersion: known.row.version,
      tokenMark: markOf(known, token.claims),
      conclude: (outcome, current, now) => {
        opening.logged = null;
        if (outcome.result === 'refused' || !outcome.person) return NOTHING;
        const prepared = this.prepare(current, token, outcome, { ...request, application, now });
        opening.expired = prepared.session.expiresAt <= now;
        if (opening.expired) return NOTHING;
        const roles = effectiveRoles(outcome.person, now).map((key) => ({
          key,
          privileged: current.policy.roles.get(key)?.privileged ?? true,
        }));
        opening.logged = { prepared, application, roles, profile: outcome.person.user, now };
        return effectsOf(prepared, outcome);
      },
    };
    return opening;
  }

  private prepare(
    known: KnownConnection,
    token: VerifiedToken,
    outcome: Outcome,
    { application, address, userAgent, now }: Door,
  ): PreparedSession {
    const { settings, id, tenantId } = known.row;
    return this.sessions.prepareSession({
      tenantId,
      userId: outcome.userId ?? '',
      connectionId: id,
      identityId: outcome.identityId,
      application,
      privileged: settings.allowPrivileged,
      ...readSignIn(token.claims, token.issuedAt),
      maxSessionSeconds: settings.login.maxSessionSeconds,
      tokenMark: markOf(known, token.claims),
      address,
      userAgent,
      now,
    });
  }

  private conclude(settled: Settled, known: KnownConnection, opening: Opening): LoggedIn {
    if (settled.kind === 'replayed') throw refuseAt(known, 'token_replayed');
    if (settled.kind === 'failed') throw settled.problem;
    if (settled.kind !== 'planned') throw new Problem('conflict');
    if (opening.logged) return opening.logged;
    const { outcome } = settled;
    if (opening.expired) throw refuseAt(known, 'sign_in_too_old', outcome.userId);
    const problem = outcome.problem ?? { code: 'claim_invalid', detail: '' };
    throw new LoginRefusal(problem.code, known.row.tenantId, known.row.id, outcome.userId, answerTo(problem));
  }
}

/** For which application, from where and when. */
interface Door extends Pick<LoginRequest, 'address' | 'userAgent'> {
  application: ApplicationEntity;
  now: Micros;
}

interface Opening {
  submission: Submission;
  /** What the last planning made of it; the plan may run again when another writer was faster. */
  logged: LoggedIn | null;
  expired: boolean;
}

const NOTHING: Effects = { rows: [], events: [] };

function effectsOf({ session, sessionRow }: PreparedSession, { problem }: Outcome): Effects {
  return {
    rows: [{ table: 'sessions', columns: SESSION_COLUMNS, values: sessionRow }],
    events: [loginSucceeded(session, problem?.code)],
  };
}
