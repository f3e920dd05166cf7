import { constants, verify, type KeyObject } from 'node:crypto';
import { findAlgorithm, type AlgorithmRule } from './algorithms.js';
import { type CompactJws, type Members, parseCompactJws } from './compact-jws.js';
import { keyServes, type ParsedKeySet, type VerificationKey } from './jwk-set.js';
import { quote, refuse, type Refusal } from './token-fault.js';

export interface VerifiedJws {
  ok: true;
  header: Members;
  payload: Buffer;
  key: VerificationKey;
}

/**
 * Verifies a JWS in compact form, whatever its payload, against a key set: the seam at which published vectors are run.
 * `algorithms` are those that the connection allows, in order of preference (see `keyServes`).
 */
export function verifyJws(compact: string, keys: ParsedKeySet, algorithms: readonly string[]): VerifiedJws | Refusal {
  const jws = parseCompactJws(compact);
  if (!jws.ok) return jws;
  const rule = checkAlgorithm(jws.alg, algorithms);
  if (!rule.ok) return rule;
  const found = selectKey(jws, keys, algorithms);
  if (!found.ok) return found;
  const fault = checkSignature(jws, rule.rule, found.key);
  return fault ?? { ok: true, header: jws.header, payload: jws.payload, key: found.key };
}

/** Whether a connection takes this algorithm (B2, B3, B14). Needs no key, so it comes before any is fetched. */
export function checkAlgorithm(
  alg: string,
  algorithms: readonly string[],
): { ok: true; rule: AlgorithmRule } | Refusal {
  // HMAC is refused by name even if a list should hold it: everyone knows the "secret" of a published key.
  if (/^hs\d/i.test(alg)) return refuse('alg_symmetric', `${quote(alg)} is never accepted from an identity provider.`);
  const rule = findAlgorithm(alg);
  if (!rule) return refuse('alg_unsupported', `The algorithm ${quote(alg)} is not supported.`);
  if (!algorithms.includes(alg)) return refuse('alg_not_allowed', `The connection does not allow ${alg}.`);
  return { ok: true, rule };
}

/**
 * The one key that a token may be verified with: by its kid, or, for want of one, the only compatible key (B4, B7, B11).
 * Nothing else in the header (`jwk`, `jku`, `x5u`, `x5c`, `x5t`) is looked at (B9).
 */
export function selectKey(
  jws: Pick<CompactJws, 'alg' | 'kid'>,
  set: ParsedKeySet,
  algorithms: readonly string[],
): { ok: true; key: VerificationKey } | Refusal {
  const { alg, kid } = jws;
  if (kid === null) return selectOnlyKey(alg, set, algorithms);
  const key = set.byKid.get(kid);
  if (key === undefined) return refuse('kid_unknown', `The key set has no usable key ${quote(kid)}.`);
  if (key === 'ambiguous') return refuse('kid_ambiguous', `The key set has several keys ${quote(kid)}.`);
  if (!keyServes(key, alg, algorithms)) {
    return refuse('key_wrong_algorithm', `The key ${quote(kid)} is not for ${alg}.`);
  }
  return { ok: true, key };
}

function selectOnlyKey(
  alg: string,
  set: ParsedKeySet,
  algorithms: readonly string[],
): { ok: true; key: VerificationKey } | Refusal {
  const compatible = set.keys.filter((key) => keyServes(key, alg, algorithms));
  const [key] = compatible;
  if (!key) return refuse('key_none_compatible', `The key set has no key for ${alg}.`);
  if (compatible.length > 1) {
    return refuse('kid_missing', `The token names no key, and ${compatible.length} of the key set would do.`);
  }
  if (key.kid !== null && set.byKid.get(key.kid) === 'ambiguous') {
    return refuse('kid_ambiguous', `The key set has several keys ${quote(key.kid)}.`);
  }
  return { ok: true, key };
}

/** Null when the signature is right. Costs one public-key operation, on the calling thread. */
export function checkSignature(
  jws: Pick<CompactJws, 'signature' | 'signingInput'>,
  rule: AlgorithmRule,
  key: VerificationKey,
): Refusal | null {
  const { signature, signingInput } = jws;
  if (rule.signatureBytes !== null && signature.length !== rule.signatureBytes) {
    return refuse('signature_invalid', `A signature of ${rule.name} has ${rule.signatureBytes} bytes.`);
  }
  // CVE-2022-21449: with r and s of zero, a careless verifier calls anything signed.
  if (rule.order && !(isInRange(signature, 0, rule.order) && isInRange(signature, rule.order.length, rule.order))) {
    return refuse('signature_invalid', 'A part of the signature is zero, or not below the order of the curve.');
  }
  return isSigned(signingInput, rule, key.publicKey, signature)
    ? null
    : refuse('signature_invalid', 'The signature does not fit the key.');
}

function isSigned(data: Buffer, rule: AlgorithmRule, publicKey: KeyObject, signature: Buffer): boolean {
  try {
    if (rule.order) return verify(rule.hash, data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature);
    if (rule.pssSaltBytes === null) return verify(rule.hash, data, publicKey, signature);
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    return verify(rule.hash, data, { key: publicKey, padding, saltLength: rule.pssSaltBytes }, signature);
  } catch {
    // The library throws on some signatures that it cannot read.
    return false;
  }
}

/** 0 < number < order, for the big-endian number of the order's length at `start`. */
function isInRange(signature: Buffer, start: number, order: Buffer): boolean {
  const end = start + order.length;
  if (signature.compare(order, 0, order.length, start, end) >= 0) return false;
  for (let at = start; at < end; at++) if (signature[at] !== 0) return true;
  return false;
}
