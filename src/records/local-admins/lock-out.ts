import { type Micros, MINUTE, SECOND } from '../../platform/clock.js';

/** What was guessed of one account's password: since the last success of each network, and by all of them together. */
export interface Guesses {
  /** When the allowance of all networks together is whole again. */
  allUntil: Micros;
  /** The one that guessed last stands last. */
  networks: { network: string; failures: number; lockedUntil: Micros | null }[];
}

export const NO_GUESSES: Guesses = { allUntil: 0, networks: [] };

const FREE_ATTEMPTS = 5;
const FIRST_LOCK: Micros = 15 * SECOND;
const LONGEST_LOCK: Micros = 15 * MINUTE;

/** All networks together: so many at once, then one each `ALL_STEP`, that is ten a minute. */
const ALL_AT_ONCE = 20;
const ALL_STEP: Micros = 6 * SECOND;
/** Networks beyond the last so many are forgotten: they are held by the allowance of all. */
const NETWORKS_MAX = 100;

/**
 * The guesses with one more of this network; null if it does not count: the network waits, or all of them together
 * guess too fast. Whoever guesses locks their own network, not the one who is let in when all else fails.
 */
export function countGuess(guesses: Guesses, network: string, now: Micros): Guesses | null {
  const known = guesses.networks.find((each) => each.network === network);
  if (known?.lockedUntil && known.lockedUntil > now) return null;
  const allUntil = Math.max(guesses.allUntil, now) + ALL_STEP;
  if (allUntil > now + ALL_AT_ONCE * ALL_STEP) return null;
  const failures = (known?.failures ?? 0) + 1;
  const others = guesses.networks.filter((each) => each.network !== network).slice(1 - NETWORKS_MAX);
  return { allUntil, networks: [...others, { network, failures, lockedUntil: lockedUntilAfter(failures, now) }] };
}

/** It was no guess: the network begins anew, and all of them together have one more. */
export function forgiveGuess(guesses: Guesses, network: string): Guesses {
  return {
    allUntil: Math.max(0, guesses.allUntil - ALL_STEP),
    networks: guesses.networks.filter((each) => each.network !== network),
  };
}

/** When the last of the networks that guessed may try again; null if none has to wait. */
export function lastLock(guesses: Guesses): Micros | null {
  const locks = guesses.networks.flatMap(({ lockedUntil }) => lockedUntil ?? []);
  return locks.length === 0 ? null : Math.max(...locks);
}

/** After so many failures in a row, no attempt counts before this moment: the wait doubles each time. Null: none. */
export function lockedUntilAfter(failures: number, now: Micros): Micros | null {
  if (failures < FREE_ATTEMPTS) return null;
  return now + Math.min(FIRST_LOCK * 2 ** Math.min(failures - FREE_ATTEMPTS, 20), LONGEST_LOCK);
}
