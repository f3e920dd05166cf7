import type { Micros } from '../platform/clock.js';
import { effectiveHoldings } from './holdings.js';
import type { Outcome } from './outcome.js';
import type { Person } from './person.js';

/** What a change takes from a user. */
export interface Loss {
  /** The identity is switched off. */
  deactivates: boolean;
  /** The roles and entitlements that count no more, as `role editor`. */
  loses: string[];
}

/** What an outcome takes away; null if nothing. Cheap for those that take nothing. */
export function findLoss({ before, person, identityId }: Outcome, now: Micros): Loss | null {
  if (!before || !person || before === person) return null;
  const deactivates = isSwitchedOff(before, person, identityId);
  if (!deactivates && before.grants === person.grants) return null;
  const holds = new Set(heldBy(person, now));
  const loses = heldBy(before, now).filter((held) => !holds.has(held));
  return deactivates || loses.length > 0 ? { deactivates, loses } : null;
}

function isSwitchedOff(before: Person, after: Person, identityId: string | null): boolean {
  const isActive = ({ identities }: Person) => identities.some(({ id, active }) => id === identityId && active);
  return isActive(before) && !isActive(after);
}

function heldBy(person: Person, now: Micros): string[] {
  return effectiveHoldings(person, now).flatMap(({ kind, key, effective }) => (effective ? [`${kind} ${key}`] : []));
}
