import { isDeepStrictEqual } from 'node:util';
import { type Members, readMember } from './compact-jws.js';
import type { JsonValue } from './token-policy.js';

/**
 * The first required claim that a token does not meet, by name, or null. A list names the allowed values, one of which
 * the claim must equal; a claim never matches by merely containing a value. Texts compare byte for byte.
 */
export function findRequiredClaimFault(required: Readonly<Record<string, JsonValue>>, claims: Members): string | null {
  for (const name of Object.keys(required)) {
    const wanted = required[name];
    const value = readMember(claims, name);
    if (value === undefined) return name;
    const isMet = Array.isArray(wanted)
      ? wanted.some((allowed) => isDeepStrictEqual(allowed, value))
      : isDeepStrictEqual(wanted, value);
    if (!isMet) return name;
  }
  return null;
}
