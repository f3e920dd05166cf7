import { randomUUID, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { encodePart, type IdpKey, makeClaims } from '../support/signed-tokens.js';
import { postRequest } from './wire.js';

const signAside = promisify(sign);
const AT_ONCE = 64;

/** ID tokens for these people, each with a `jti` of its own, signed by several threads before anything is measured. */
export async function signTokens(key: IdpKey, issuer: string, subjects: readonly string[]): Promise<string[]> {
  const head = encodePart({ alg: key.alg, typ: 'JWT', kid: key.jwk.kid });
  const iat = Math.floor(Date.now() / 1000);
  const tokens: string[] = [];
  for (let start = 0; start < subjects.length; start += AT_ONCE) {
    const some = subjects.slice(start, start + AT_ONCE);
    tokens.push(...(await Promise.all(some.map((subject) => signOne(key, head, claimsOf(issuer, subject, iat))))));
  }
  return tokens;
}

export function loginRequest(url: string, token: string): Buffer {
  return postRequest(url, '/auth/login', JSON.stringify({ token }));
}

async function signOne(key: IdpKey, head: string, claims: Record<string, unknown>): Promise<string> {
  const input = `${head}.${encodePart(claims)}`;
  const signature = await signAside('sha256', Buffer.from(input), key.privateKey);
  return `${input}.${(signature as Buffer).toString('base64url')}`;
}

function claimsOf(issuer: string, subject: string, iat: number): Record<string, unknown> {
  return makeClaims(iat, {
    iss: issuer,
    sub: subject,
    exp: iat + 3600,
    auth_time: iat,
    jti: randomUUID(),
    preferred_username: `${subject}@example.com`,
    name: `Name of ${subject}`,
    email: `${subject}@example.com`,
    email_verified: true,
    groups: ['engineering', 'berlin'],
  });
}
