import { findRoleCeiling, mayGrantEntitlement } from './ceilings.js';
import type { ClaimsBag } from './expression.js';
import type { Withheld } from './outcome.js';
import type { HeldKind } from './person.js';
import type { ConnectionPolicy } from './policy.js';
import { judgeRule } from './rules.js';

/** A role or entitlement that somebody gets for being in a group, whatever else is known of them. */
export interface GroupGift {
  kind: HeldKind;
  key: string;
  rule: string;
  because: string;
  /** The ceiling that holds it back (rule 4); null where it is given. */
  withheld: Withheld['why'] | null;
}

export interface GroupGifts {
  gives: GroupGift[];
  /** The rules that ask for groups and for something else too: whether these give anything depends on the person. */
  depends: string[];
}

/** What the connection's rules make of a group, by the name that they know it by; null if they know it by none. */
export function findGroupGifts(policy: ConnectionPolicy, name: string | null): GroupGifts {
  const gifts: GroupGifts = { gives: [], depends: [] };
  if (name === null) return gifts;
  for (const rule of policy.mapping.rules) {
    const inside = judgeRule(rule, bagOf([name]));
    const outside = judgeRule(rule, bagOf([]));
    if (inside.result === 'missing' && rule.expression.reads.has('groups')) gifts.depends.push(rule.id);
    const anyway = new Set(outside.gives.map(({ kind, key }) => `${kind} ${key}`));
    for (const { kind, key, because } of inside.gives) {
      if (anyway.has(`${kind} ${key}`)) continue;
      gifts.gives.push({ kind, key, rule: rule.id, because, withheld: findCeiling(policy, kind, key) });
    }
  }
  return gifts;
}

function findCeiling(policy: ConnectionPolicy, kind: HeldKind, key: string): Withheld['why'] | null {
  if (kind === 'role') return findRoleCeiling(policy, key);
  return mayGrantEntitlement(policy, key) ? null : 'not_allowed';
}

function bagOf(groups: string[]): ClaimsBag {
  return Object.assign(Object.create(null) as ClaimsBag, { groups, roles: [], entitlements: [] });
}
