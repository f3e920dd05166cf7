import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { findAlgorithm, isSameAlgorithm } from './algorithms.js';
import { findRsaFault } from './rsa-modulus.js';

export const KEYS_MAX = 100;

/** A public key that may verify signatures. */
export interface VerificationKey {
  kid: string | null;
  kty: 'RSA' | 'EC' | 'OKP';
  crv: string | null;
  /** The only algorithm of this key; null where the JWK names none, see `keyServes`. */
  alg: string | null;
  publicKey: KeyObject;
}

/** What is wrong with one key of a set. An `alarm` means that the IdP gives secrets away; tell its owner. */
export interface KeyFault {
  index: number;
  kid: string | null;
  severity: 'note' | 'warning' | 'alarm';
  detail: string;
}

export interface ParsedKeySet {
  /** Every usable key, also those whose kid is ambiguous: they count when a token names no kid (B11). */
  keys: readonly VerificationKey[];
  /** By kid; `ambiguous` where two usable keys share it, so that neither verifies anything (B7). */
  byKid: ReadonlyMap<string, VerificationKey | 'ambiguous'>;
  faults: readonly KeyFault[];
}

/**
 * Reads a JWK set (RFC 7517, section 5). A key that cannot be used never disables the others (C11): it becomes a fault.
 * Null when the document is not a key set at all, or has more than 100 keys.
 */
export function parseKeySet(document: unknown): ParsedKeySet | null {
  if (typeof document !== 'object' || document === null) return null;
  const list = (document as { keys?: unknown }).keys;
  if (!Array.isArray(list) || list.length > KEYS_MAX) return null;
  const keys: VerificationKey[] = [];
  const byKid = new Map<string, VerificationKey | 'ambiguous'>();
  const faults: KeyFault[] = [];
  for (const [index, jwk] of list.entries()) {
    const parsed = parseKey(jwk);
    if ('detail' in parsed) {
      faults.push({ index, kid: readKid(jwk), ...parsed });
      continue;
    }
    keys.push(parsed);
    if (parsed.kid === null) continue;
    if (byKid.has(parsed.kid)) {
      byKid.set(parsed.kid, 'ambiguous');
      faults.push({
        index,
        kid: parsed.kid,
        severity: 'warning',
        detail: 'Another key has the same kid; neither counts.',
      });
    } else byKid.set(parsed.kid, parsed);
  }
  return { keys, byKid, faults };
}

/**
 * Whether a key verifies signatures of an algorithm. A key serves exactly one (RFC 8725bis): its own `alg`; where the
 * JWK names none, the first of the connection's algorithms that fits its type and curve, and no other. So a connection
 * that lists RS256 before PS256 never checks PS256 with such a key. The two names of Ed25519 count as one.
 */
export function keyServes(key: VerificationKey, alg: string, connectionAlgorithms: readonly string[]): boolean {
  const own = key.alg ?? connectionAlgorithms.find((name) => fits(key, name));
  return own !== undefined && isSameAlgorithm(own, alg) && fits(key, alg);
}

function fits(key: Pick<VerificationKey, 'kty' | 'crv'>, alg: string): boolean {
  const rule = findAlgorithm(alg);
  return rule !== null && rule.kty === key.kty && rule.crv === key.crv;
}

type FaultBody = Pick<KeyFault, 'severity' | 'detail'>;

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];
/** Octets of each coordinate: shorter or longer ones are another encoding of the key (RFC 7518, section 6.2.1.2). */
const COORDINATE_BYTES: Record<string, number> = { 'P-256': 32, 'P-384': 48, 'P-521': 66 };

function parseKey(value: unknown): VerificationKey | FaultBody {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return warn('The key is not a JSON object.');
  const jwk = value as Record<string, unknown>;
  const leaked = PRIVATE_MEMBERS.filter((name) => Object.hasOwn(jwk, name));
  if (leaked.length > 0 || jwk['kty'] === 'oct') {
    return {
      severity: 'alarm',
      detail: `The published key carries secret members (${leaked.join(', ') || 'kty oct'}).`,
    };
  }
  const { kty, kid, alg, use, key_ops: operations } = jwk;
  if (kty !== 'RSA' && kty !== 'EC' && kty !== 'OKP') return note('The key type is not known here.');
  if (kid !== undefined && (typeof kid !== 'string' || kid === '' || kid.length > 256)) {
    return warn('The kid is not a text of 1 to 256 characters.');
  }
  if (use !== undefined && use !== 'sig') return note('The key is not for signatures ("use").');
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) {
    return note('The key is not for verifying ("key_ops").');
  }
  const crv = kty === 'RSA' ? null : jwk['crv'];
  if (crv !== null && typeof crv !== 'string') return warn('The key has no curve.');
  if (alg !== undefined) {
    if (typeof alg !== 'string' || findAlgorithm(alg) === null)
      return note('The algorithm of the key is not supported.');
    if (!fits({ kty, crv }, alg)) return warn('The algorithm of the key does not fit its type or curve.');
  } else if (crv !== null && !Object.hasOwn(COORDINATE_BYTES, crv) && crv !== 'Ed25519')
    return note('The curve is not supported.');
  const fault = findNumberFault(jwk, kty, crv);
  if (fault) return warn(fault);
  const publicKey = importKey(jwk, kty);
  if (!publicKey) return warn('The key has no valid value: it is cut, or its point is not on the curve.');
  return { kid: kid ?? null, kty, crv, alg: alg ?? null, publicKey };
}

function findNumberFault(jwk: Record<string, unknown>, kty: string, crv: string | null): string | null {
  if (kty === 'RSA') {
    const modulus = decode(jwk['n']);
    const exponent = decode(jwk['e']);
    return modulus && exponent ? findRsaFault(modulus, exponent) : 'The modulus or exponent is not base64url.';
  }
  const names = kty === 'EC' ? ['x', 'y'] : ['x'];
  const bytes = kty === 'EC' ? COORDINATE_BYTES[crv ?? ''] : 32;
  return names.every((name) => decode(jwk[name])?.length === bytes) ? null : 'A coordinate has the wrong length.';
}

function decode(value: unknown): Buffer | null {
  return typeof value === 'string' && /^[A-Za-z0-9_-]+$/.test(value) ? Buffer.from(value, 'base64url') : null;
}

/** Only the numbers are handed over, so that no other member of a foreign document reaches the crypto library. */
function importKey(jwk: Record<string, unknown>, kty: 'RSA' | 'EC' | 'OKP'): KeyObject | null {
  const names = { RSA: ['n', 'e'], EC: ['crv', 'x', 'y'], OKP: ['crv', 'x'] }[kty];
  const key = Object.fromEntries([['kty', kty], ...names.map((name) => [name, jwk[name]])]) as JsonWebKey;
  try {
    return createPublicKey({ key, format: 'jwk' });
  } catch {
    return null;
  }
}

function readKid(value: unknown): string | null {
  const kid = typeof value === 'object' && value !== null ? (value as { kid?: unknown }).kid : null;
  return typeof kid === 'string' ? kid.slice(0, 256) : null;
}

function note(detail: string): FaultBody {
  return { severity: 'note', detail };
}

function warn(detail: string): FaultBody {
  return { severity: 'warning', detail };
}
