import { EffectiveFacts } from '../plan/effective.js';
import { ExpressionFailure } from '../plan/expression.js';
import { type Facts, mergeStatement, NO_FACTS } from '../plan/facts.js';
import type { ConnectionPolicy } from '../plan/policy.js';
import type { Statement } from '../plan/statement.js';

/** What the statement by itself calls the person: whoever holds that name already has to be known to the plan. */
export function readStatedNames(statement: Statement, policy: ConnectionPolicy) {
  if (statement.voice === 'push') {
    const { userName, email } = statement.fields;
    return { userName: textOf(userName), email: textOf(email) };
  }
  const { facts } = mergeStatement(NO_FACTS, { ...statement, newest: true }, policy.mapping, statement.at);
  return readNames(facts, policy);
}

/** `email` only where people may be found by it. */
export function readNames(facts: Facts, policy: ConnectionPolicy) {
  try {
    const effective = new EffectiveFacts(facts, policy);
    const email = policy.authoritativeDomains.length === 0 ? null : effective.field('email');
    return { userName: textOf(effective.field('userName')?.value), email: textOf(email?.value) };
  } catch (error) {
    // The plan meets the same failure and says so; there is no name to look for.
    if (error instanceof ExpressionFailure) return { userName: null, email: null };
    throw error;
  }
}

export function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
