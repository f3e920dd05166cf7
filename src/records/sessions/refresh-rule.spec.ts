import { describe, expect, it } from '@jest/globals';
import { HOUR, SECOND } from '../../platform/clock.js';
import { judgeRefresh, type RefreshFacts } from './refresh-rule.js';
import { newId } from '../../platform/ids.js';
import { createRefreshToken, deriveSuccessor, hashRefreshToken, readSessionId } from './refresh-token.js';

const now = 1_000 * HOUR;
const grace = 10 * SECOND;
const connection = { exists: true, active: true, loginEnabled: true };
const identity = { exists: true, active: true, notBefore: null };
const good: RefreshFacts = {
  token: { usedAt: null, expiresAt: now + HOUR },
  successorExpiresAt: null,
  session: { createdAt: now - HOUR, expiresAt: now + HOUR, endedAt: null },
  tenantActive: true,
  userSuspended: false,
  connection,
  identity,
};
const used = (agoMicros: number): Partial<RefreshFacts> => ({
  token: { usedAt: now - agoMicros, expiresAt: now + HOUR },
  successorExpiresAt: now + HOUR,
});

describe('what becomes of the use of a refresh token', () => {
  it.each<[string, Partial<RefreshFacts>, string]>([
    ['F2 the first use rotates', {}, 'rotate'],
    ['F3 a second use at once repeats', used(0), 'repeat'],
    ['F3 a second use in the last microsecond of the grace repeats', used(grace - 1), 'repeat'],
    ['F3 a use after the grace is a reuse', used(grace), 'reused'],
    ['F3 a reuse counts as one though the user is suspended', { ...used(grace), userSuspended: true }, 'reused'],
    ['F3 a reuse counts as one though the token is idle', { token: { usedAt: 1, expiresAt: 2 } }, 'reused'],
    ['F3 nothing is repeated without a successor', { ...used(0), successorExpiresAt: null }, 'refused'],
    ['F4 an idle token is refused', { token: { usedAt: null, expiresAt: now } }, 'refused'],
    ['F4 a session at its end is refused', { session: { ...good.session, expiresAt: now } }, 'refused'],
    ['an ended session is refused', { session: { ...good.session, endedAt: now - 1 } }, 'refused'],
    [
      'an ended session is not ended again by a reuse',
      { ...used(grace), session: { ...good.session, endedAt: 1 } },
      'refused',
    ],
    ['F4 a suspended user is refused', { userSuspended: true }, 'refused'],
    ['F4 a suspended user is refused inside the grace', { ...used(0), userSuspended: true }, 'refused'],
    ['F4 a tenant that is not active is refused', { tenantActive: false }, 'refused'],
    ['F4 a disabled connection is refused', { connection: { ...connection, active: false } }, 'refused'],
    ['F4 a connection without login is refused', { connection: { ...connection, loginEnabled: false } }, 'refused'],
    ['F4 a deleted connection is refused', { connection: { ...connection, exists: false } }, 'refused'],
    ['F4 an inactive identity is refused', { identity: { ...identity, active: false } }, 'refused'],
    ['F4 a deleted identity is refused', { identity: { ...identity, exists: false } }, 'refused'],
    ['F4 a session from before notBefore is refused', { identity: { ...identity, notBefore: now - 1 } }, 'refused'],
    ['a session from after notBefore goes on', { identity: { ...identity, notBefore: now - HOUR } }, 'rotate'],
    ['the session of a local admin needs no connection', { connection: null, identity: null }, 'rotate'],
  ])('%s', (_, change, verdict) => {
    expect(judgeRefresh({ ...good, ...change }, grace, now)).toBe(verdict);
  });

  it('F3 without a grace the second use is a reuse', () => {
    expect(judgeRefresh({ ...good, ...used(0) }, 0, now)).toBe('reused');
  });
});

describe('F2 refresh tokens', () => {
  const key = Buffer.alloc(32, 7);

  const sessionId = newId();

  it('have 256 random bits, and say whose they are', () => {
    const tokens = new Set(Array.from({ length: 1000 }, () => createRefreshToken(sessionId)));
    expect(tokens.size).toBe(1000);
    for (const token of tokens) expect(readSessionId(token)).toBe(sessionId);
  });

  it('have one successor each, which needs the key, and is a refresh token of the same session', () => {
    const token = createRefreshToken(sessionId);
    const successor = deriveSuccessor(token, key);
    expect(deriveSuccessor(token, key)).toBe(successor);
    expect(deriveSuccessor(token, Buffer.alloc(32, 8))).not.toBe(successor);
    expect(deriveSuccessor(createRefreshToken(sessionId), key)).not.toBe(successor);
    expect(readSessionId(successor)).toBe(sessionId);
    expect(hashRefreshToken(token)).not.toContain(token.slice(4, 12));
  });

  it.each(['', 'rcr_', 'rc_short', `rcr_${'A'.repeat(64)}`, `rcr_${'A'.repeat(66)}`, `rcr_${'='.repeat(65)}`])(
    'are told from %j without a database',
    (text) => {
      expect(readSessionId(text)).toBeNull();
    },
  );
});
