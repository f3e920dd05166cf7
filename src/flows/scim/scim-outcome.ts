import type { PlanProblem } from '../../plan/outcome.js';
import type { IdentityState } from '../../plan/person.js';
import { Problem, type ProblemCode } from '../../platform/problem.js';
import type { Settled } from '../../provisioning/submission.js';

/** What the plan refuses, as SCIM's clients are told of it. */
const CODES: Partial<Record<PlanProblem['code'], ProblemCode>> = {
  user_name_taken: 'scim_uniqueness',
  external_id_taken: 'scim_uniqueness',
  facts_too_large: 'payload_too_large',
  not_found: 'not_found',
  protected_user: 'protected_user',
};

/** The identity as a written statement leaves it. Throws what it was refused with. */
export function readSettled(settled: Settled): IdentityState {
  if (settled.kind === 'failed') throw settled.problem;
  if (settled.kind !== 'planned') throw new Problem('forbidden', 'The connection was switched off.');
  const { person, identityId, result, problem } = settled.outcome;
  if (result === 'failed' || result === 'refused') throw toProblem(problem);
  const identity = person?.identities.find(({ id }) => id === identityId);
  if (!identity) throw new Problem('not_found');
  return identity;
}

/** Whatever else is wrong lies in the values: a role that the connection may not give, a name that is too long. */
export function toProblem(problem: PlanProblem | undefined): Problem {
  if (!problem) return new Problem('conflict');
  const { code, detail } = problem;
  return new Problem(CODES[code] ?? 'scim_invalid_value', detail);
}
