import { createHmac, hash } from 'node:crypto';
import { randomText } from '../../platform/random-text.js';

/** `rcr_`, the 16 bytes of the session's id, 32 secret bytes. */
const FORMAT = /^rcr_([A-Za-z0-9_-]{21}[AQgw])[A-Za-z0-9_-]{43}$/;

/** A new refresh token: a prefix that secret scanners know, the session that it belongs to, and 256 random bits. */
export function createRefreshToken(sessionId: string): string {
  return `rcr_${packId(sessionId)}${randomText(32)}`;
}

/** The id of the session that a refresh token says it belongs to; null where it is no refresh token. */
export function readSessionId(token: string): string | null {
  const packed = FORMAT.exec(token)?.[1];
  return packed === undefined ? null : unpackId(packed);
}

function packId(id: string): string {
  return Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url');
}

function unpackId(packed: string): string {
  const hex = Buffer.from(packed, 'base64url').toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** All that is stored of it. It has 256 random bits, so a slow hash would add nothing. */
export function hashRefreshToken(token: string): string {
  return hash('sha256', token, 'base64url');
}

/**
 * The one token that follows this one. It is derived, not drawn, so that a second use inside the grace gets the very
 * same successor although nothing but hashes is stored. Only who holds both the token and `key` can compute it.
 */
export function deriveSuccessor(token: string, key: Buffer): string {
  const secret = createHmac('sha256', key).update(token).digest('base64url');
  return token.slice(0, -secret.length) + secret;
}
