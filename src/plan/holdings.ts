import type { Micros } from '../platform/clock.js';
import type { BlockState, GrantState, HeldKind, Person } from './person.js';

/** One role or entitlement of a user with everything that gives it or takes it away. */
export interface Holding {
  kind: HeldKind;
  key: string;
  /** It counts: at least one grant does, and no block stands. */
  effective: boolean;
  grants: { grant: GrantState; counts: boolean }[];
  /** The blocks that stand now; one is enough, whoever grants it. */
  blocks: BlockState[];
}

/** What a user holds at a moment, in order of kind and key: views, tokens and checks all ask here. */
export function effectiveHoldings(person: Person, now: Micros): Holding[] {
  const active = new Set(person.identities.filter((identity) => identity.active).map(({ id }) => id));
  const holdings = new Map<string, Holding>();
  for (const grant of person.grants) {
    const name = `${grant.kind} ${grant.key}`;
    let holding = holdings.get(name);
    if (!holding) {
      const blocks = person.blocks.filter(
        (block) => block.kind === grant.kind && block.key === grant.key && stands(block.until, now),
      );
      holding = { kind: grant.kind, key: grant.key, effective: false, grants: [], blocks };
      holdings.set(name, holding);
    }
    const counts =
      grant.source === 'admin'
        ? stands(grant.until, now) && grant.parkedAt === undefined
        : active.has(grant.identityId);
    holding.grants.push({ grant, counts });
    if (counts && holding.blocks.length === 0) holding.effective = true;
  }
  return [...holdings.values()].sort((a, b) => compare(b.kind, a.kind) || compare(a.key, b.key));
}

/** The keys of the roles that count, in order. */
export function effectiveRoles(person: Person, now: Micros): string[] {
  return effectiveHoldings(person, now).flatMap(({ kind, key, effective }) =>
    kind === 'role' && effective ? [key] : [],
  );
}

/** Whether a role counts, and does so by a grant that has no end. */
export function holdsForGood(person: Person, roleKey: string, now: Micros): boolean {
  const holding = effectiveHoldings(person, now).find(({ kind, key }) => kind === 'role' && key === roleKey);
  if (!holding?.effective) return false;
  return holding.grants.some(({ grant, counts }) => counts && (grant.source === 'connection' || grant.until === null));
}

function stands(until: Micros | null, now: Micros): boolean {
  return until === null || until > now;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
