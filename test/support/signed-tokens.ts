import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { ParsedKeySet } from '../../src/trust/jwk-set.js';
import { parseKeySet } from '../../src/trust/jwk-set.js';
import type { TokenPolicy } from '../../src/trust/token-policy.js';

/** A key pair of an IdP of the tests, with the JWK that it publishes. */
export interface IdpKey {
  alg: string;
  privateKey: KeyObject;
  publicKey: KeyObject;
  jwk: Record<string, unknown>;
}

const CURVES: Record<string, string> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };

export function makeIdpKey(alg: string, kid?: string, modulusLength = 2048): IdpKey {
  const { privateKey, publicKey } =
    alg.startsWith('RS') || alg.startsWith('PS')
      ? generateKeyPairSync('rsa', { modulusLength })
      : alg in CURVES
        ? generateKeyPairSync('ec', { namedCurve: CURVES[alg] ?? '' })
        : generateKeyPairSync('ed25519');
  return { alg, privateKey, publicKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' } };
}

export function signBytes(alg: string, key: KeyObject, data: Buffer): Buffer {
  const hash = `sha${alg.slice(2)}`;
  if (alg.startsWith('RS')) return sign(hash, data, key);
  if (alg.startsWith('PS')) {
    const saltLength = Number(alg.slice(2)) / 8;
    return sign(hash, data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });
  }
  return alg in CURVES ? sign(hash, data, { key, dsaEncoding: 'ieee-p1363' }) : sign(null, data, key);
}

type Part = string | Buffer | Record<string, unknown>;

export function encodePart(part: Part): string {
  const bytes = Buffer.isBuffer(part) ? part : Buffer.from(typeof part === 'string' ? part : JSON.stringify(part));
  return bytes.toString('base64url');
}

/** Signs any header and payload, also those that no IdP would send. */
export function signParts(key: IdpKey, header: Part, payload: Part, alg = key.alg): string {
  const input = `${encodePart(header)}.${encodePart(payload)}`;
  return `${input}.${signBytes(alg, key.privateKey, Buffer.from(input)).toString('base64url')}`;
}

export function signToken(key: IdpKey, claims: Part, header: Record<string, unknown> = {}): string {
  return signParts(key, { alg: key.alg, typ: 'JWT', kid: key.jwk['kid'], ...header }, claims);
}

export function publish(...keys: (IdpKey | Record<string, unknown>)[]): { keys: unknown[] } {
  return { keys: keys.map((key) => ('jwk' in key ? key['jwk'] : key)) };
}

export function keySetOf(...keys: (IdpKey | Record<string, unknown>)[]): ParsedKeySet {
  const set = parseKeySet(publish(...keys));
  if (!set) throw new Error('not a key set');
  return set;
}

export const ISSUER = 'https://idp.example.com';

export function makePolicy(changes: Partial<TokenPolicy> = {}): TokenPolicy {
  return {
    connectionId: 'connection-a',
    tenantId: 'tenant-a',
    issuer: ISSUER,
    jwksUri: `${ISSUER}/keys`,
    audiences: ['rollcall'],
    requiredClaims: {},
    authorizedParties: [],
    algorithms: ['RS256'],
    tokenTypes: ['JWT', 'at+jwt'],
    clockToleranceSeconds: 30,
    iatOffsetSeconds: 0,
    maxTokenAgeSeconds: 3600,
    maxLifetimeSeconds: 7200,
    oneTime: true,
    conditions: {},
    ...changes,
  };
}

/** Claims of a token issued now, good for five minutes; `undefined` leaves a claim out. */
export function makeClaims(nowSeconds: number, changes: Record<string, unknown> = {}): Record<string, unknown> {
  return { iss: ISSUER, aud: 'rollcall', sub: 'u-1', iat: nowSeconds, exp: nowSeconds + 300, ...changes };
}
