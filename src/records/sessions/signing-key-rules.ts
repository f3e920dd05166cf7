import { DAY, MINUTE, SECOND, type Micros } from '../../platform/clock.js';

/** How long applications may keep the key set (`Cache-Control: max-age`). */
export const JWKS_MAX_AGE_SECONDS = 300;
/** How long an instance may work with the keys that it has read. */
export const KEY_RELOAD: Micros = 30 * SECOND;
/**
 * A new key is published for this long before it signs (F7): the key set's max-age, and as much again for caches that
 * are slower than they say. Longer than KEY_RELOAD, so every instance has noticed it by then.
 */
export const PUBLISH_LEAD: Micros = 15 * MINUTE;
/** A key stays published after its last signature for the longest life of an access token, and clocks that differ. */
export const PUBLISH_TRAIL: Micros = 20 * MINUTE;
/** A key signs for this long before the schedule replaces it. */
export const KEY_LIFE: Micros = 30 * DAY;

export interface KeyTimes {
  activeFrom: Micros;
  retiredAt: Micros | null;
}

/** May this key sign now? */
export function isActive(key: KeyTimes, now: Micros): boolean {
  return key.activeFrom <= now && (key.retiredAt === null || key.retiredAt > now);
}

/** The key that signs now: of the active ones, the one that became so last. */
export function chooseSigner<T extends KeyTimes>(keys: readonly T[], now: Micros): T | null {
  let best: T | null = null;
  for (const key of keys) if (isActive(key, now) && (!best || key.activeFrom > best.activeFrom)) best = key;
  return best;
}

/** Is it in the key set: not used yet, in use, or with tokens about that have not expired? */
export function isPublished(key: KeyTimes, now: Micros): boolean {
  return key.retiredAt === null || key.retiredAt + PUBLISH_TRAIL > now;
}

/** Has the newest key signed for its whole life? */
export function isRotationDue(keys: readonly KeyTimes[], now: Micros): boolean {
  return !keys.some((key) => key.retiredAt === null && key.activeFrom + KEY_LIFE > now);
}
