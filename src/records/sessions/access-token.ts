import { sign, type KeyObject, verify } from 'node:crypto';
import { SECOND, type Micros } from '../../platform/clock.js';

/** RFC 9068, section 2.1: what tells an access token from every other JWT. */
export const ACCESS_TOKEN_TYPE = 'at+jwt';
export const ACCESS_TOKEN_ALGORITHM = 'ES256';
/** Many proxies and servers refuse longer headers. */
export const ACCESS_TOKEN_BYTES_MAX = 4096;
/** An ES256 signature (RFC 7518, section 3.4) in base64url, and the dot before it. */
const SIGNATURE_BYTES = 87;

export interface AccessTokenClaims {
  iss: string;
  aud: string;
  /** The user's id. */
  sub: string;
  /** The tenant's id; applications of several tenants check it. */
  tid: string;
  /** The session's id. */
  sid: string;
  client_id: string;
  auth_time: number;
  amr: string[];
  roles?: string[];
  /** True: the roles were too many for a token; introspect. */
  roles_overflow?: true;
  iat: number;
  exp: number;
  jti: string;
}

/** The claims of a token that stands for an API key for a while: no user, no session (RFC 9068, section 2.2). */
export interface MachineTokenClaims extends Pick<
  AccessTokenClaims,
  'iss' | 'aud' | 'tid' | 'client_id' | 'iat' | 'exp' | 'jti'
> {
  /** The API key's id. */
  sub: string;
  /** The key's scopes, by space. */
  scope: string;
}

/** A role that its user holds in effect. */
export interface TokenRole {
  key: string;
  privileged: boolean;
}

export interface AccessTokenInput {
  issuer: string;
  session: {
    id: string;
    tenantId: string;
    userId: string;
    privileged: boolean;
    authTime: Micros;
    amr: readonly string[];
    expiresAt: Micros;
  };
  /** `roles`: keys of the roles that its tokens name; null: all. */
  application: { audience: string; roles: readonly string[] | null };
  roles: readonly TokenRole[];
  lifeSeconds: number;
  jti: string;
  now: Micros;
}

/**
 * The claims of an access token (RFC 9068, section 2.2). It names the effective roles that its application is told of;
 * a session that is not privileged carries no privileged role, whoever granted it (rule 4). It never outlives its
 * session.
 */
export function buildAccessTokenClaims(input: AccessTokenInput): AccessTokenClaims {
  const { session, application, now } = input;
  const told = application.roles === null ? null : new Set(application.roles);
  const roles = input.roles.filter((role) => (session.privileged || !role.privileged) && (told?.has(role.key) ?? true));
  const iat = Math.floor(now / SECOND);
  return {
    iss: input.issuer,
    aud: application.audience,
    sub: session.userId,
    tid: session.tenantId,
    sid: session.id,
    client_id: application.audience,
    auth_time: Math.floor(session.authTime / SECOND),
    amr: [...session.amr],
    roles: roles.map((role) => role.key).sort(),
    iat,
    exp: Math.min(iat + input.lifeSeconds, Math.floor(session.expiresAt / SECOND)),
    jti: input.jti,
  };
}

/** The key that signs, and the header of all its tokens, already encoded. */
export interface TokenSigner {
  kid: string;
  header: string;
  privateKey: KeyObject;
}

export function createSigner(kid: string, privateKey: KeyObject): TokenSigner {
  return { kid, header: encode({ alg: ACCESS_TOKEN_ALGORITHM, typ: ACCESS_TOKEN_TYPE, kid }), privateKey };
}

/**
 * The compact JWS (RFC 7515, section 3.1). A token longer than ACCESS_TOKEN_BYTES_MAX has `roles_overflow: true` in the
 * place of its roles: to cut the list would take roles away unseen.
 */
export function signClaims(claims: AccessTokenClaims | MachineTokenClaims, signer: TokenSigner): string {
  let input = `${signer.header}.${encode(claims)}`;
  if (input.length + SIGNATURE_BYTES > ACCESS_TOKEN_BYTES_MAX) {
    input = `${signer.header}.${encode({ ...claims, roles: undefined, roles_overflow: true })}`;
  }
  return `${input}.${signText(input, signer.privateKey)}`;
}

/** ES256 (RFC 7518, section 3.4) in base64url. */
export function signText(text: string, privateKey: KeyObject): string {
  // JWS wants r and s side by side, not the DER of which OpenSSL is fond: asked for `ieee-p1363`, Node takes twice as long.
  return joinSignature(sign('sha256', Buffer.from(text, 'utf8'), privateKey)).toString('base64url');
}

/** SEQUENCE { INTEGER r, INTEGER s } of a P-256 signature as the 64 bytes of RFC 7518, section 3.4. */
function joinSignature(der: Buffer): Buffer {
  const joined = Buffer.alloc(64);
  // Neither number has more than 33 bytes, so that each length is the one byte before it.
  const lengthOfR = der[3] ?? 0;
  copyNumber(der.subarray(4, 4 + lengthOfR), joined, 32);
  copyNumber(der.subarray(6 + lengthOfR), joined, 64);
  return joined;
}

/** A number without a needless zero before it, or with the one that keeps it positive, so that it ends before `end`. */
function copyNumber(number: Buffer, target: Buffer, end: number): void {
  const digits = number.length > 32 ? number.subarray(number.length - 32) : number;
  digits.copy(target, end - digits.length);
}

/** Whether `signature` is what `signText` made of the text with the other half of the key. */
export function verifyText(text: string, publicKey: KeyObject, signature: string): boolean {
  const key = { key: publicKey, dsaEncoding: 'ieee-p1363' as const };
  return verify('sha256', Buffer.from(text, 'utf8'), key, Buffer.from(signature, 'base64url'));
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part), 'utf8').toString('base64url');
}
