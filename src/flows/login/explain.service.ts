import { Injectable } from '@nestjs/common';
import type { PersonChanges } from '../../plan/changes.js';
import { EffectiveFacts } from '../../plan/effective.js';
import { mergeStatement, NO_FACTS } from '../../plan/facts.js';
import { effectiveRoles } from '../../plan/holdings.js';
import { explainRules } from '../../plan/rules.js';
import type { Statement } from '../../plan/statement.js';
import type { Principal } from '../../platform/access.js';
import { Clock, type Micros, SECOND } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { Problem } from '../../platform/problem.js';
import { ConnectionPolicies, type KnownConnection } from '../../provisioning/connection-policies.js';
import { ProvisioningService } from '../../provisioning/provisioning.service.js';
import type { PlannedBatch } from '../../provisioning/batch.js';
import { getConnection } from '../../records/connections/connection-rows.js';
import type { CheckResult } from '../../trust/check-result.js';
import { TrustService } from '../../trust/trust.service.js';
import type { ExplainAnswer, ExplainBody, ExplainedCheck, ExplainedPlan } from './explain.dto.js';
import { acceptsLogins, isSignInOver, markOf, readClaims, tokenPolicyOf, toStatement } from './token-statement.js';

/** What expressions cost is known for claims of a token (E9); bare ones are no larger than the largest. */
const CLAIMS_BYTES_MAX = 65_536;

/** Tells what a login with a token would do and why, by the code of the login itself; writes nothing (E10). */
@Injectable()
export class ExplainService {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly trust: TrustService,
    private readonly policies: ConnectionPolicies,
    private readonly provisioning: ProvisioningService,
  ) {}

  async explain(caller: Principal, connectionId: string, body: ExplainBody): Promise<ExplainAnswer> {
    if ((body.token === undefined) === (body.claims === undefined)) {
      throw new Problem('invalid_request', undefined, {
        faults: [{ pointer: '', detail: 'needs exactly one of `token` and `claims`' }],
      });
    }
    if (body.claims && Buffer.byteLength(JSON.stringify(body.claims)) > CLAIMS_BYTES_MAX) {
      const faults = [{ pointer: '/claims', detail: `has more than ${CLAIMS_BYTES_MAX} bytes, as no token may` }];
      throw new Problem('invalid_request', undefined, { faults });
    }
    await getConnection(this.database.read, caller, connectionId);
    const known = await this.policies.find(connectionId);
    if (!known) throw new Problem('not_found', 'There is no such connection.');
    const checks: ExplainedCheck[] = [];
    let claims: Readonly<Record<string, unknown>> | null = body.claims ?? null;
    if (body.token !== undefined) {
      const inspected = await this.trust.inspectToken(tokenPolicyOf(known), body.token, { nonce: body.nonce ?? null });
      checks.push(...inspected.checks.map(toCheck));
      claims = inspected.claims;
    }
    if (!acceptsLogins(known)) {
      checks.push({ check: 'connection', ok: false, fault: 'connection_off', detail: 'It accepts no logins now.' });
    }
    if (claims === null) return { ok: false, checks, rules: [], plan: null };
    return this.explainClaims(known, claims, checks);
  }

  private async explainClaims(
    known: KnownConnection,
    claims: Readonly<Record<string, unknown>>,
    checks: ExplainedCheck[],
  ): Promise<ExplainAnswer> {
    const now = this.clock.now();
    const reading = readClaims(known, claims, now);
    for (const { code, pointer, detail } of reading.faults) {
      checks.push({ check: 'mapping', ok: false, fault: code, detail: `${pointer} ${detail}`.trim() });
    }
    const issuedAt = timeOf(known, claims, now);
    if (isSignInOver(known, claims, issuedAt, now)) {
      const detail = 'The session would be over already: `maxSessionSeconds` after the sign-in has passed.';
      checks.push({ check: 'session', ok: false, fault: 'sign_in_too_old', detail });
    }
    const statement = toStatement(known, reading, issuedAt);
    const planned = await this.provisioning.plan([
      {
        tenantId: known.row.tenantId,
        statement,
        purpose: 'login',
        via: 'login',
        actor: null,
        tokenMark: markOf(known, claims),
      },
    ]);
    const [settled] = planned.settled;
    if (settled?.kind === 'replayed') {
      checks.push({ check: 'jti', ok: false, fault: 'token_replayed', detail: 'This token has logged in before.' });
    }
    const plan = settled?.kind === 'planned' ? describePlan(settled.outcome, planned) : null;
    const rules = explainFor(known, statement, plan?.user?.id ?? null, planned);
    const ok = checks.every((check) => check.ok) && plan !== null && plan.result !== 'refused';
    return { ok, checks, rules, plan };
  }
}

function toCheck(result: CheckResult): ExplainedCheck {
  const { check, ok, detail } = result;
  return result.ok ? { check, ok, detail } : { check, ok, detail, fault: result.fault };
}

/** The time of a token's word, as the login takes it; now for claims that say none. */
function timeOf({ row }: KnownConnection, { iat }: Readonly<Record<string, unknown>>, now: Micros): Micros {
  if (typeof iat !== 'number' || !Number.isFinite(iat)) return now;
  return Math.min(Math.round((iat + row.settings.iatOffsetSeconds) * SECOND), now);
}

/** The rules over what would be known of the person after this token: stored facts and the token together. */
function explainFor(known: KnownConnection, statement: Statement, userId: string | null, planned: PlannedBatch) {
  const { policy } = known;
  const person = userId === null ? null : planned.loaded.directory.findPerson(userId);
  const identity = person?.identities.find(
    (one) => one.connectionId === policy.id && (one.subject === null || one.subject === statement.subject),
  );
  const { facts } = mergeStatement(identity?.facts ?? NO_FACTS, statement, policy.mapping, planned.now);
  return explainRules(policy, new EffectiveFacts(facts, policy)).map((rule) => ({
    ...rule,
    saw: { ...rule.saw },
    result: String(rule.result) as 'true' | 'false' | 'missing' | 'failed',
  }));
}

function describePlan(
  outcome: Extract<PlannedBatch['settled'][number], { kind: 'planned' }>['outcome'],
  planned: PlannedBatch,
): ExplainedPlan {
  const change = planned.changes.find(({ userId }) => userId === outcome.userId) ?? null;
  const { person } = outcome;
  const isNew = change !== null && change.fromVersion === 0;
  return {
    result: outcome.result,
    ...(outcome.problem ? { problem: { code: outcome.problem.code, detail: outcome.problem.detail } } : {}),
    user: person && {
      id: isNew ? null : person.user.id,
      userName: person.user.userName,
      displayName: person.user.displayName,
      email: person.user.email,
      emailVerified: person.user.emailVerified,
      roles: effectiveRoles(person, planned.now),
    },
    ...wordsOf(change),
    withheld: [...outcome.withheld],
    endsSessions: outcome.endSessions ?? null,
  };
}

function wordsOf(change: PersonChanges | null): Pick<ExplainedPlan, 'granted' | 'revoked' | 'fields'> {
  const toGrant = ({ connectionId, ...rest }: NonNullable<PersonChanges['event']>['granted'][number]) => ({
    ...rest,
    connection: connectionId,
  });
  return {
    granted: change?.event?.granted.map(toGrant) ?? [],
    revoked: change?.event?.revoked.map(toGrant) ?? [],
    fields: change?.event?.fields ?? [],
  };
}
