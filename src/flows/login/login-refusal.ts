import type { PlanProblem } from '../../plan/outcome.js';
import { Problem } from '../../platform/problem.js';
import type { KnownConnection } from '../../provisioning/connection-policies.js';

/** Why a login is refused: precise for the ledger, and what little the caller hears of it. */
export class LoginRefusal extends Error {
  constructor(
    /** A code for the ledger. */
    readonly reason: string,
    readonly tenantId: string | null,
    readonly connectionId: string | null,
    readonly userId: string | null = null,
    /** Where the caller shall hear more than that it was refused. */
    readonly answer: Problem = new Problem('login_refused'),
  ) {
    super(reason);
  }
}

/**
 * What the caller hears of a plan's refusal. Outside answers do not tell an unknown user from a bad signature (G4); two
 * are told, because the token was good and the person can act on them.
 */
export function answerTo(problem: PlanProblem): Problem {
  switch (problem.code) {
    case 'no_rule_matched':
      return new Problem('no_rule_matched', problem.detail);
    case 'user_name_taken':
    case 'external_id_taken':
      return new Problem('conflict', problem.detail);
    default:
      return new Problem('login_refused');
  }
}

/** A refusal at a known connection. */
export function refuseAt({ row }: KnownConnection, reason: string, userId: string | null = null): LoginRefusal {
  return new LoginRefusal(reason, row.tenantId, row.id, userId);
}
