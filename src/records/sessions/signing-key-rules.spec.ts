import { describe, expect, it } from '@jest/globals';
import { DAY, MINUTE, SECOND } from '../../platform/clock.js';
import {
  chooseSigner,
  isPublished,
  isRotationDue,
  JWKS_MAX_AGE_SECONDS,
  KEY_LIFE,
  KEY_RELOAD,
  PUBLISH_LEAD,
  PUBLISH_TRAIL,
} from './signing-key-rules.js';

const now = 100 * DAY;
const old = { name: 'old', activeFrom: now - 30 * DAY, retiredAt: now + 5 * MINUTE };
const next = { name: 'next', activeFrom: now + 5 * MINUTE, retiredAt: null };

describe('F7 signing keys overlap', () => {
  it.each([
    ['the old key until the new one begins', now, 'old'],
    ['the old key in its last microsecond', next.activeFrom - 1, 'old'],
    ['the new key from its first microsecond', next.activeFrom, 'next'],
    ['no key before the first is active', old.activeFrom - 1, undefined],
  ])('signs with %s', (_, at, name) => {
    expect(chooseSigner([next, old], at)?.name).toBe(name);
  });

  it('signs with the newest where several are active', () => {
    expect(chooseSigner([{ ...old, retiredAt: null }, next], next.activeFrom)?.name).toBe('next');
  });

  it('publishes a key before its first use and until its last token has expired', () => {
    expect(isPublished(next, now)).toBe(true);
    expect(isPublished(old, old.retiredAt + 15 * MINUTE)).toBe(true);
    expect(isPublished(old, old.retiredAt + PUBLISH_TRAIL)).toBe(false);
  });

  it('leaves applications and instances time to notice a new key', () => {
    expect(PUBLISH_LEAD).toBeGreaterThan(JWKS_MAX_AGE_SECONDS * SECOND + KEY_RELOAD);
    expect(PUBLISH_TRAIL).toBeGreaterThan(900 * SECOND + KEY_RELOAD);
  });

  it.each([
    ['due without a key', [], true],
    ['not due in its life', [{ activeFrom: now - KEY_LIFE + 1, retiredAt: null }], false],
    ['due at its end', [{ activeFrom: now - KEY_LIFE, retiredAt: null }], true],
    ['not due while a successor waits', [old, next], false],
  ])('rotation is %s', (_, keys, due) => {
    expect(isRotationDue(keys, now)).toBe(due);
  });
});
