import type { EffectiveFacts } from './effective.js';
import { ExpressionFailure, MissingClaim, type ClaimsBag } from './expression.js';
import type { CompiledRule } from './mapping-shape.js';
import type { HeldKind } from './person.js';
import type { ConnectionPolicy } from './policy.js';

/** What a rule would give, before ceilings. */
export interface Given {
  kind: HeldKind;
  key: string;
  rule: string;
  because: string;
}

/** `missing`: it reads a claim that is not there, and so neither gives, takes nor refuses. */
export type RuleResult = true | false | 'missing' | 'failed';

export interface RuleVerdict {
  rule: CompiledRule;
  result: RuleResult;
  gives: Given[];
  /** With `failed`: what the interpreter says. Names no value. */
  error?: string;
}

/** One rule with what it saw, for Explain. */
export interface ExplainedRule {
  rule: string;
  expression: string;
  /** The claims that it reads, as it saw them; a missing one is not in it. */
  saw: ClaimsBag;
  result: RuleResult;
  error?: string;
  gives: { kind: HeldKind; key: string; because: string }[];
}

export function judgeRule(rule: CompiledRule, claims: ClaimsBag): RuleVerdict {
  try {
    const value = rule.expression.evaluate(claims);
    if (rule.kind === 'when') {
      if (typeof value !== 'boolean')
        return { rule, result: 'failed', gives: [], error: 'the condition is not true or false' };
      return { rule, result: value, gives: value ? givenBy(rule) : [] };
    }
    const names = typeof value === 'string' ? [value] : value;
    if (names === null) return { rule, result: false, gives: [] };
    if (!Array.isArray(names)) return { rule, result: 'failed', gives: [], error: 'the value is not a list' };
    const gives = [...new Set<unknown>(names)].flatMap((name): Given[] => {
      const mapped = typeof name === 'string' ? rule.map.get(name) : undefined;
      return mapped ? [{ kind: 'role', key: mapped.role, rule: rule.id, because: mapped.because }] : [];
    });
    return { rule, result: gives.length > 0, gives };
  } catch (error) {
    if (error instanceof MissingClaim) return { rule, result: 'missing', gives: [] };
    if (!(error instanceof ExpressionFailure)) throw error;
    // A claim that was stated as empty matches nothing; `null.startsWith(…)` is no fault of whoever logs in.
    for (const name of rule.expression.reads) if (claims[name] === null) return { rule, result: false, gives: [] };
    return { rule, result: 'failed', gives: [], error: error.message };
  }
}

/** Each rule of the connection with what it sees in these facts. */
export function explainRules(policy: ConnectionPolicy, effective: EffectiveFacts): ExplainedRule[] {
  const { claims, failure } = tryClaims(effective);
  return policy.mapping.rules.map((rule) => {
    const verdict: RuleVerdict =
      failure === null ? judgeRule(rule, claims) : { rule, result: 'failed', gives: [], error: failure };
    const { result, gives, error } = verdict;
    const saw: ClaimsBag = Object.create(null) as ClaimsBag;
    for (const name of rule.expression.reads) if (claims[name] !== undefined) saw[name] = claims[name];
    const explained: ExplainedRule = {
      rule: rule.id,
      expression: rule.expression.source,
      saw,
      result,
      gives: gives.map(({ kind, key, because }) => ({ kind, key, because })),
    };
    return error === undefined ? explained : { ...explained, error };
  });
}

function tryClaims(effective: EffectiveFacts): { claims: ClaimsBag; failure: string | null } {
  try {
    return { claims: effective.claims(), failure: null };
  } catch (error) {
    if (!(error instanceof ExpressionFailure)) throw error;
    return {
      claims: Object.create(null) as ClaimsBag,
      failure: `the groups or entitlements cannot be read: ${error.message}`,
    };
  }
}

/** Could the rule give this at all? What it cannot give any more it does not keep either. */
export function canGive(rule: CompiledRule, kind: HeldKind, key: string): boolean {
  if (rule.kind === 'when') return (kind === 'role' ? rule.grant : rule.entitlements).includes(key);
  if (kind !== 'role') return false;
  for (const { role } of rule.map.values()) if (role === key) return true;
  return false;
}

function givenBy(rule: Extract<CompiledRule, { kind: 'when' }>): Given[] {
  const because = rule.expression.words;
  return [
    ...rule.grant.map((key): Given => ({ kind: 'role', key, rule: rule.id, because })),
    ...rule.entitlements.map((key): Given => ({ kind: 'entitlement', key, rule: rule.id, because })),
  ];
}
