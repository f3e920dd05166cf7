import { type Micros, MINUTE, SECOND } from '../../platform/clock.js';

const FREE_ATTEMPTS = 5;
const FIRST_LOCK: Micros = 15 * SECOND;
/** Not more: whoever guesses must not keep out the one who is let in when all else fails. */
const LONGEST_LOCK: Micros = 15 * MINUTE;

/** After so many failures in a row, no attempt counts before this moment: the wait doubles each time. Null: none. */
export function lockedUntilAfter(failures: number, now: Micros): Micros | null {
  if (failures < FREE_ATTEMPTS) return null;
  return now + Math.min(FIRST_LOCK * 2 ** Math.min(failures - FREE_ATTEMPTS, 20), LONGEST_LOCK);
}
