import { beforeAll, describe, expect, it } from '@jest/globals';
import { generateKeyPairSync, webcrypto, type KeyObject } from 'node:crypto';
import { createLocalJWKSet, jwtVerify } from 'jose';
import jsonwebtoken from 'jsonwebtoken';
import { SECOND } from '../../platform/clock.js';
import {
  type AccessTokenInput,
  buildAccessTokenClaims,
  createSigner,
  signClaims,
  signText,
  verifyText,
} from './access-token.js';

const now = Math.floor(Date.now() / 1000) * SECOND + 123_456;
const input: AccessTokenInput = {
  issuer: 'https://rollcall.example.com',
  session: {
    id: 'session-1',
    tenantId: 'tenant-1',
    userId: 'user-1',
    privileged: true,
    authTime: now - 60 * SECOND,
    amr: ['pwd', 'mfa'],
    expiresAt: now + 3600 * SECOND,
  },
  application: { audience: 'shop', roles: null },
  roles: [
    { key: 'editor', privileged: false },
    { key: 'admin', privileged: true },
  ],
  lifeSeconds: 300,
  jti: 'token-1',
  now,
};

let privateKey: KeyObject;
let publicKey: KeyObject;
beforeAll(() => {
  ({ privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' }));
});

describe('F1 the claims of an access token', () => {
  it('are those of RFC 9068, and what tells tenant, session and roles', () => {
    const iat = Math.floor(now / SECOND);
    expect(buildAccessTokenClaims(input)).toEqual({
      iss: 'https://rollcall.example.com',
      aud: 'shop',
      sub: 'user-1',
      tid: 'tenant-1',
      sid: 'session-1',
      client_id: 'shop',
      auth_time: iat - 60,
      amr: ['pwd', 'mfa'],
      roles: ['admin', 'editor'],
      iat,
      exp: iat + 300,
      jti: 'token-1',
    });
  });

  it('end with the session at the latest', () => {
    const session = { ...input.session, expiresAt: now + 10 * SECOND };
    expect(buildAccessTokenClaims({ ...input, session }).exp).toBe(Math.floor(now / SECOND) + 10);
  });

  it.each([
    ['all roles where the application names none', null, true, ['admin', 'editor']],
    ['only the roles that the application names', ['editor', 'viewer'], true, ['editor']],
    ['no role where the application names no role', [], true, []],
    ['G8 no privileged role in a session that is not privileged', null, false, ['editor']],
  ])('hold %s', (_, told, privileged, roles) => {
    const application = { ...input.application, roles: told };
    const session = { ...input.session, privileged };
    expect(buildAccessTokenClaims({ ...input, application, session }).roles).toEqual(roles);
  });
});

describe('F1 an access token', () => {
  const claims = buildAccessTokenClaims(input);

  it('verifies with jose', async () => {
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256', use: 'sig' };
    const verified = await jwtVerify(
      signClaims(claims, createSigner('k1', privateKey)),
      createLocalJWKSet({ keys: [jwk] }),
      {
        issuer: claims.iss,
        audience: 'shop',
        typ: 'at+jwt',
        algorithms: ['ES256'],
      },
    );
    expect(verified.payload).toEqual(claims);
    expect(verified.protectedHeader).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: 'k1' });
  });

  it('verifies with jsonwebtoken', () => {
    const token = signClaims(claims, createSigner('k1', privateKey));
    const verified = jsonwebtoken.verify(token, publicKey, {
      issuer: claims.iss,
      audience: 'shop',
      algorithms: ['ES256'],
    });
    expect(verified).toEqual(claims);
  });

  it('verifies with WebCrypto alone', async () => {
    const [header = '', payload = '', signature = ''] = signClaims(claims, createSigner('k1', privateKey)).split('.');
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    const key = await webcrypto.subtle.importKey('jwk', publicKey.export({ format: 'jwk' }), algorithm, false, [
      'verify',
    ]);
    const data = Buffer.from(`${header}.${payload}`);
    const proof = Buffer.from(signature, 'base64url');
    expect(await webcrypto.subtle.verify(algorithm, key, proof, data)).toBe(true);
    data[data.length - 1] = (data[data.length - 1] ?? 0) ^ 1;
    expect(await webcrypto.subtle.verify(algorithm, key, proof, data)).toBe(false);
  });

  it('names its roles up to 4 KiB in all, and past that says so instead of leaving some out', () => {
    const signer = createSigner('k'.repeat(43), privateKey);
    const sign = (count: number) => {
      const roles = Array.from({ length: count }, (_, at) => ({ key: `role-${at}-ö`, privileged: false }));
      const token = signClaims(buildAccessTokenClaims({ ...input, roles }), signer);
      return { token, claims: jsonwebtoken.decode(token, { json: true }) };
    };
    let count = 1;
    while (sign(count).claims?.roles_overflow === undefined) count++;
    const last = sign(count - 1);
    expect(last.claims?.roles).toHaveLength(count - 1);
    expect(last.token.length).toBeLessThanOrEqual(4096);
    expect(last.token.length).toBeGreaterThan(4096 - 40);
    const over = sign(count);
    expect(over.claims).toMatchObject({ sub: 'user-1', roles_overflow: true });
    expect(over.claims).not.toHaveProperty('roles');
  });
});

describe('F7 a signature', () => {
  it('has 64 bytes and verifies, also where one of its numbers is short', () => {
    // One in 128 has a number that begins with a zero byte.
    const texts = Array.from({ length: 2000 }, (_, index) => `text ${index}`);
    const failed = texts.filter((text) => {
      const signature = signText(text, privateKey);
      return Buffer.from(signature, 'base64url').length !== 64 || !verifyText(text, publicKey, signature);
    });
    expect(failed).toEqual([]);
  });
});
