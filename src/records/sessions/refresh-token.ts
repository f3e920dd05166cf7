import { createHash, createHmac } from 'node:crypto';
import { randomText } from '../../platform/random-text.js';

const FORMAT = /^rcr_[A-Za-z0-9_-]{43}$/;

/** A new refresh token: a prefix that secret scanners know, and 256 random bits. */
export function createRefreshToken(): string {
  return `rcr_${randomText(32)}`;
}

export function isRefreshToken(text: string): boolean {
  return FORMAT.test(text);
}

/** All that is stored of it. It has 256 random bits, so a slow hash would add nothing. */
export function hashRefreshToken(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/**
 * The one token that follows this one. It is derived, not drawn, so that a second use inside the grace gets the very
 * same successor although nothing but hashes is stored. Only who holds both the token and `key` can compute it.
 */
export function deriveSuccessor(token: string, key: Buffer): string {
  return `rcr_${createHmac('sha256', key).update(token).digest('base64url')}`;
}
