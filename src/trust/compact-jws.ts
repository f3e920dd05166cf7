import { CLAIMS_LIMITS } from '../plan/record.js';
import { type JsonReason, parseStrictJson } from '../platform/strict-json.js';
import { quote, refuse, type Refusal, type TokenFault } from './token-fault.js';

/** Members of a token's header or claims set, as they came. Read them by `readMember`, never by a name from outside. */
export type Members = Record<string, unknown>;

/** A JWS in compact form (RFC 7515, section 7.1) whose form and header are sound; nothing in it is verified yet. */
export interface CompactJws {
  ok: true;
  header: Members;
  alg: string;
  kid: string | null;
  payload: Buffer;
  signingInput: Buffer;
  signature: Buffer;
}

/** A JWT: a JWS whose payload is a claims set (RFC 7519, section 7.2). */
export interface CompactJwt extends CompactJws {
  claims: Members;
}

export const TOKEN_BYTES_DEFAULT = 16 * 1024;
export const TOKEN_BYTES_MAX = 64 * 1024;

const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
const COMPACT_UNSIGNED = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.$/;
const COMPACT_ENCRYPTED = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*){4}$/;
const KID = /^[^\p{C}]{1,256}$/u;

const JSON_FAULTS: Record<JsonReason, TokenFault> = {
  not_utf8: 'token_text',
  byte_order_mark: 'token_text',
  lone_surrogate: 'token_text',
  syntax: 'token_json',
  duplicate_name: 'token_duplicate_name',
  unsafe_name: 'token_json',
  too_deep: 'token_too_deep',
  too_many_items: 'token_too_many_items',
};

/**
 * Reads a token as far as it can be read without a key: size, form, header, claims set (A1–A12, B1, B10).
 * `bytesMax` above the hard cap of 64 KiB counts as the cap.
 */
export function parseCompactJwt(jwt: string, bytesMax = TOKEN_BYTES_DEFAULT): CompactJwt | Refusal {
  const jws = parseCompactJws(jwt, bytesMax);
  if (!jws.ok) return jws;
  const claims = parseMembers(jws.payload, 'payload');
  if (!claims.ok) return claims;
  return Object.assign(jws, { claims: claims.members });
}

/** As `parseCompactJwt`, for a payload of any kind. */
export function parseCompactJws(jws: string, bytesMax = TOKEN_BYTES_DEFAULT): CompactJws | Refusal {
  if (jws.length > Math.min(bytesMax, TOKEN_BYTES_MAX)) {
    return refuse('token_too_large', `The token has ${jws.length} characters; ${bytesMax} are allowed.`);
  }
  if (!COMPACT.test(jws)) return refuseForm(jws);
  const firstDot = jws.indexOf('.');
  const lastDot = jws.lastIndexOf('.');
  const headerBytes = decodeBase64url(jws.slice(0, firstDot));
  const payload = decodeBase64url(jws.slice(firstDot + 1, lastDot));
  const signature = decodeBase64url(jws.slice(lastDot + 1));
  if (!headerBytes || !payload || !signature) {
    return refuse('token_encoding', 'A segment is not canonical base64url (RFC 7515, section 2).');
  }
  const parsed = parseMembers(headerBytes, 'header');
  if (!parsed.ok) return parsed;
  const header = parsed.members;
  const fault = findHeaderFault(header);
  if (fault) return fault;
  const kid = header['kid'];
  return {
    ok: true,
    header,
    alg: header['alg'] as string,
    kid: typeof kid === 'string' ? kid : null,
    payload,
    signingInput: Buffer.from(jws.slice(0, lastDot), 'latin1'),
    signature,
  };
}

/** A member by a name that came from outside; `undefined` also for what objects inherit (`toString`). */
export function readMember(members: Members, name: string): unknown {
  return Object.hasOwn(members, name) ? members[name] : undefined;
}

function refuseForm(jws: string): Refusal {
  if (/^\s*[{[]/.test(jws)) {
    return refuse('token_json_serialized', 'The JSON serialisation of JWS is not accepted (RFC 7515, section 7.2).');
  }
  if (COMPACT_ENCRYPTED.test(jws)) return refuse('token_encrypted', 'Encrypted tokens (JWE) are not accepted.');
  if (COMPACT_UNSIGNED.test(jws)) return refuse('signature_missing', 'The token has no signature.');
  return refuse('token_malformed', 'The token is not three base64url segments divided by dots.');
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Null when the text could not have come from an encoder: its last character carries bits that belong to no byte. */
function decodeBase64url(text: string): Buffer | null {
  const rest = text.length % 4;
  if (rest === 1) return null;
  if (rest !== 0) {
    const spareBits = rest === 2 ? 0b1111 : 0b11;
    if ((ALPHABET.indexOf(text.charAt(text.length - 1)) & spareBits) !== 0) return null;
  }
  return Buffer.from(text, 'base64url');
}

function parseMembers(bytes: Buffer, part: 'header' | 'payload'): { ok: true; members: Members } | Refusal {
  const parsed = parseStrictJson(bytes, CLAIMS_LIMITS);
  if (!parsed.ok) return refuse(JSON_FAULTS[parsed.reason], `In the ${part}: ${parsed.detail}`);
  const value = parsed.value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse(part === 'header' ? 'header_not_object' : 'payload_not_object', `The ${part} is not a JSON object.`);
  }
  return { ok: true, members: value as Members };
}

function findHeaderFault(header: Members): Refusal | null {
  const { alg, kid, cty } = header;
  if (typeof alg !== 'string' || alg === '') return refuse('alg_missing', 'The header has no "alg".');
  if (alg.toLowerCase() === 'none') return refuse('alg_none', 'The token says that it is unsigned.');
  // No extension is implemented, so that nothing named here can be understood (RFC 7515, section 4.1.11).
  if ('crit' in header) return refuse('crit_unsupported', `The header demands ${quote(header['crit'])}.`);
  if ('b64' in header && header['b64'] !== true) {
    return refuse('b64_unsupported', 'Unencoded payloads (RFC 7797) are not accepted.');
  }
  if ('enc' in header) return refuse('token_encrypted', 'The header is that of an encrypted token.');
  if ('zip' in header) return refuse('zip_unsupported', 'Compressed tokens are not accepted.');
  if (cty !== undefined && (typeof cty !== 'string' || /^(application\/)?(.*\+)?(jwt|jws|jwe)$/i.test(cty.trim()))) {
    return refuse('token_nested', 'A token inside a token is not accepted.');
  }
  if (kid !== undefined && (typeof kid !== 'string' || !KID.test(kid))) {
    return refuse('kid_invalid', 'The "kid" is not a text of 1 to 256 printable characters.');
  }
  return null;
}
