import type { Micros } from '../platform/clock.js';
import { findRoleCeiling, mayGrantEntitlement } from './ceilings.js';
import type { EffectiveFacts } from './effective.js';
import { DIRECT } from './mapping-rules.js';
import type { Withheld } from './outcome.js';
import type { ConnectionGrant, GrantState, HeldKind } from './person.js';
import type { ConnectionPolicy } from './policy.js';
import { canGive, judgeRule, type Given } from './rules.js';

export interface DerivedGrants {
  /** All grants of the user: those of other sources as they were, the same list if nothing moved. */
  grants: GrantState[];
  withheld: Withheld[];
  /** Does anything say that this person belongs here? Strict mapping asks (rule 6). */
  matched: boolean;
  /** The first rule that failed otherwise than by a missing claim; then nothing is derived. */
  failed: { rule: string; error: string } | null;
}

/**
 * What one identity's facts give under the connection's rules and ceilings, put in the place of what they gave before
 * (rules 1 and 4). A grant that goes on keeps its row: its beginning and the version of the mapping that gave it.
 */
export function deriveGrants(
  identityId: string,
  effective: EffectiveFacts,
  before: GrantState[],
  policy: ConnectionPolicy,
  now: Micros,
): DerivedGrants {
  const own = new Map<string, ConnectionGrant>();
  for (const grant of before) {
    if (grant.source === 'connection' && grant.identityId === identityId) own.set(keyOf(grant), grant);
  }
  const wanted = new Map<string, Given>();
  const direct = effective.direct();
  for (const key of direct.roles) want(wanted, { kind: 'role', key, rule: DIRECT, because: DIRECT });
  for (const key of direct.entitlements) want(wanted, { kind: 'entitlement', key, rule: DIRECT, because: DIRECT });
  let matched = wanted.size > 0;

  const rules = policy.mapping.rules;
  const claims = rules.length > 0 ? effective.claims() : null;
  for (const rule of rules) {
    if (!claims) break;
    const verdict = judgeRule(rule, claims);
    if (verdict.result === 'failed') {
      return { grants: before, withheld: [], matched: false, failed: { rule: rule.id, error: verdict.error ?? '' } };
    }
    if (verdict.result === true) matched = true;
    for (const given of verdict.gives) want(wanted, given);
    if (verdict.result !== 'missing') continue;
    for (const kept of own.values()) {
      if (kept.rule !== rule.id || !canGive(rule, kept.kind, kept.key)) continue;
      matched = true;
      want(wanted, kept);
    }
  }

  const withheld: Withheld[] = [];
  const after: GrantState[] = [];
  for (const [key, given] of wanted) {
    const why = findCeiling(policy, given.kind, given.key);
    if (why !== null) {
      withheld.push({ kind: given.kind, key: given.key, rule: given.rule, why });
      continue;
    }
    const held = own.get(key);
    if (held && held.because === given.because) after.push(held);
    else after.push(toGrant(given, identityId, policy, held?.since ?? now));
  }
  return { grants: replaceOwn(before, own, after), withheld, matched, failed: null };
}

function findCeiling(policy: ConnectionPolicy, kind: HeldKind, key: string): Withheld['why'] | null {
  if (kind === 'role') return findRoleCeiling(policy, key);
  return mayGrantEntitlement(policy, key) ? null : 'not_allowed';
}

function toGrant(given: Given, identityId: string, policy: ConnectionPolicy, since: Micros): ConnectionGrant {
  return {
    kind: given.kind,
    key: given.key,
    since,
    source: 'connection',
    identityId,
    connectionId: policy.id,
    rule: given.rule,
    mappingVersion: policy.mappingVersion,
    because: given.because,
  };
}

/** Others' grants stay as and where they are; the same list if the own ones are the same rows. */
function replaceOwn(
  before: GrantState[],
  own: ReadonlyMap<string, ConnectionGrant>,
  after: readonly GrantState[],
): GrantState[] {
  const held = new Set<GrantState>(own.values());
  if (after.length === held.size && after.every((grant) => held.has(grant))) return before;
  const kept = new Set(after);
  return [
    ...before.filter((grant) => !held.has(grant) || kept.has(grant)),
    ...after.filter((grant) => !held.has(grant)),
  ];
}

function want(wanted: Map<string, Given>, given: Given): void {
  const key = keyOf(given);
  if (!wanted.has(key)) wanted.set(key, given);
}

function keyOf(given: Pick<Given, 'kind' | 'key' | 'rule'>): string {
  return `${given.kind} ${given.rule} ${given.key}`;
}
