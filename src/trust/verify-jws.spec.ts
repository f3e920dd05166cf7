import { createHmac, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { encodePart, keySetOf, makeIdpKey, signParts, signToken } from '../../test/support/signed-tokens.js';
import { ALGORITHMS } from '../records/connections/algorithms.js';
import { verifyJws } from './verify-jws.js';

const rsa = makeIdpKey('RS256', 'rsa');
const ec = makeIdpKey('ES256', 'ec');
const ed = makeIdpKey('EdDSA', 'ed');
const keys = keySetOf(rsa, ec, ed);
const payload = { sub: 'u-1' };

function judge(compact: string, set = keys, algorithms: readonly string[] = ALGORITHMS): string {
  const result = verifyJws(compact, set, algorithms);
  return result.ok ? 'ok' : result.fault;
}

describe('signatures', () => {
  it.each(ALGORITHMS.filter((alg) => alg !== 'Ed25519'))('B14 a token signed with %s verifies', (alg) => {
    const key = makeIdpKey(alg, 'k');
    const token = signToken(key, payload);
    expect(verifyJws(token, keySetOf(key), [alg])).toMatchObject({ ok: true, key: { kid: 'k', alg } });
    expect(judge(signParts(key, { alg, kid: 'k' }, 'any text'), keySetOf(key), [alg])).toBe('ok');
    expect(judge(token, keySetOf(makeIdpKey(alg, 'k')), [alg])).toBe('signature_invalid');
    const [head, , tail] = token.split('.');
    expect(judge(`${head}.${encodePart({ sub: 'u-2' })}.${tail}`, keySetOf(key), [alg])).toBe('signature_invalid');
  });

  it.each([
    ['EdDSA', 'EdDSA'],
    ['EdDSA', 'Ed25519'],
    ['Ed25519', 'EdDSA'],
    ['Ed25519', 'Ed25519'],
    ['EdDSA', undefined],
    ['Ed25519', undefined],
  ])('B14 alg %s verifies with an Ed25519 key whose alg is %s', (alg, keyAlg) => {
    const set = keySetOf({ ...ed.jwk, alg: keyAlg });
    expect(judge(signToken(ed, payload, { alg }), set)).toBe('ok');
  });

  it.each(['ES256K', 'RS1', 'Ed448', 'ML-DSA-44', 'rs256', 'toString', 'RSA-OAEP', 'PBES2-HS256+A128KW'])(
    'B14 the unsupported algorithm %s has its own reason',
    (alg) => {
      expect(judge(signToken(rsa, payload, { alg }))).toBe('alg_unsupported');
    },
  );

  it.each(['HS256', 'HS384', 'HS512', 'hs256'])('B2 %s with a public key as its secret is refused', (alg) => {
    const pem = rsa.publicKey.export({ format: 'pem', type: 'spki' });
    const input = `${encodePart({ alg, kid: 'rsa' })}.${encodePart(payload)}`;
    const tag = createHmac('sha256', pem).update(input).digest('base64url');
    expect(judge(`${input}.${tag}`)).toBe('alg_symmetric');
    expect(judge(`${input}.${tag}`, keys, [alg])).toBe('alg_symmetric');
  });

  it('B2 HS256 is refused though the key set publishes its secret', () => {
    const set = keySetOf({ kty: 'oct', k: 'c2VjcmV0', kid: 'h', alg: 'HS256' }, rsa);
    const input = `${encodePart({ alg: 'HS256', kid: 'h' })}.${encodePart(payload)}`;
    const tag = createHmac('sha256', 'secret').update(input).digest('base64url');
    expect(judge(`${input}.${tag}`, set, ['HS256', 'RS256'])).toBe('alg_symmetric');
  });

  it('B3 an algorithm that the connection does not list is refused', () => {
    expect(judge(signToken(ec, payload), keys, ['RS256'])).toBe('alg_not_allowed');
    expect(judge(signToken(ec, payload), keys, [])).toBe('alg_not_allowed');
  });

  it.each(['RS384', 'RS512', 'PS256', 'PS384', 'PS512'])('B4 a key with alg RS256 does not verify %s', (alg) => {
    expect(judge(signParts(rsa, { alg, kid: 'rsa' }, payload, alg))).toBe('key_wrong_algorithm');
  });

  it('B4 a key of another type is not tried', () => {
    expect(judge(signToken(rsa, payload, { kid: 'ec' }))).toBe('key_wrong_algorithm');
    expect(judge(signToken(ec, payload, { kid: 'rsa' }))).toBe('key_wrong_algorithm');
  });

  it('B4 a PSS salt that is not as long as the digest is refused', () => {
    const key = makeIdpKey('PS256', 'pss');
    const input = `${encodePart({ alg: 'PS256', kid: 'pss' })}.${encodePart(payload)}`;
    const signature = sign('sha256', Buffer.from(input), { key: key.privateKey, padding: 6, saltLength: 20 });
    expect(judge(`${input}.${signature.toString('base64url')}`, keySetOf(key))).toBe('signature_invalid');
  });

  it('B5 a token under the kid of an encryption key does not verify', () => {
    expect(judge(signToken(rsa, payload), keySetOf({ ...rsa.jwk, use: 'enc' }))).toBe('kid_unknown');
  });

  it('B7 a token under an ambiguous kid does not verify with either key', () => {
    const set = keySetOf(rsa, { ...ec.jwk, kid: 'rsa' });
    expect(judge(signToken(rsa, payload), set)).toBe('kid_ambiguous');
    expect(judge(signToken(ec, payload, { kid: 'rsa' }), set)).toBe('kid_ambiguous');
    expect(judge(signToken(rsa, payload, { kid: undefined }), set)).toBe('kid_ambiguous');
  });

  it('B9 keys that a token brings along are never used', () => {
    const own = makeIdpKey('RS256', 'own');
    const x5c = ['MIIB'];
    for (const brought of [
      { jwk: own.jwk },
      { jku: 'https://evil.example/keys' },
      { x5u: 'https://evil.example' },
      { x5c },
    ]) {
      expect(judge(signToken(own, payload, { kid: 'rsa', ...brought }))).toBe('signature_invalid');
      expect(judge(signToken(own, payload, { kid: 'own', ...brought }))).toBe('kid_unknown');
      expect(judge(signToken(own, payload, { kid: undefined, ...brought }))).toBe('signature_invalid');
      expect(judge(signToken(rsa, payload, brought))).toBe('ok');
    }
    expect(judge(signToken(own, payload, { kid: undefined, x5t: 'rsa' }))).toBe('signature_invalid');
  });

  it.each(["rsa' OR '1'='1", '../rsa', 'RSA', 'rsa ', '__proto__', 'constructor'])(
    'B10 kid %j is not the kid rsa',
    (kid) => {
      expect(judge(signToken(rsa, payload, { kid }))).toBe('kid_unknown');
    },
  );

  it('B11 a token without kid is verified with the only compatible key, and with none if there are two', () => {
    const bare = signToken(rsa, payload, { kid: undefined });
    expect(judge(bare)).toBe('ok');
    expect(judge(bare, keySetOf({ ...rsa.jwk, kid: undefined }, ec))).toBe('ok');
    expect(judge(bare, keySetOf(rsa, makeIdpKey('RS256', 'rsa2')))).toBe('kid_missing');
    expect(judge(bare, keySetOf(rsa, makeIdpKey('RS512', 'rsa2')))).toBe('ok');
    expect(judge(bare, keySetOf(ec))).toBe('key_none_compatible');
  });

  it('B11 a token with a kid is not verified with a key that has none', () => {
    expect(judge(signToken(rsa, payload), keySetOf({ ...rsa.jwk, kid: undefined }))).toBe('kid_unknown');
  });

  const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');
  const zero = Buffer.alloc(32);
  const one = Buffer.concat([Buffer.alloc(31), Buffer.from([1])]);
  const token = signToken(ec, payload);
  const signingInput = token.slice(0, token.lastIndexOf('.'));
  const signature = Buffer.from(token.slice(token.lastIndexOf('.') + 1), 'base64url');
  const r = signature.subarray(0, 32);
  const s = signature.subarray(32);
  it.each([
    ['r and s zero', [zero, zero]],
    ['r zero', [zero, s]],
    ['s zero', [r, zero]],
    ['r = n', [order, s]],
    ['s = n', [r, order]],
    ['r and s = n', [order, order]],
    ['all bits', [Buffer.alloc(64, 255)]],
    ['r and s one', [one, one]],
    ['a byte less', [signature.subarray(1)]],
    ['a byte more', [zero.subarray(0, 1), signature]],
    ['r and s each a byte longer', [zero.subarray(0, 1), r, zero.subarray(0, 1), s]],
    ['the length of ES384', [zero.subarray(0, 16), r, zero.subarray(0, 16), s]],
    ['DER', [sign('sha256', Buffer.from(signingInput), ec.privateKey)]],
    ['r twice', [r, r]],
    ['swapped halves', [s, r]],
  ])('B12 an ECDSA signature with %s is refused', (_, parts) => {
    expect(judge(token)).toBe('ok');
    expect(judge(`${signingInput}.${Buffer.concat(parts).toString('base64url')}`)).toBe('signature_invalid');
  });

  it.each([
    ['r zero', [zero, s]],
    ['s zero', [r, zero]],
    ['r = n', [order, s]],
    ['s = n', [r, order]],
  ])('B12 a signature with %s is refused before the crypto library sees it', (_, parts) => {
    const result = verifyJws(`${signingInput}.${Buffer.concat(parts).toString('base64url')}`, keys, ALGORITHMS);
    expect(result).toMatchObject({ detail: expect.stringContaining('order of the curve') });
  });

  it.each(['ES256', 'ES384', 'ES512'])('B12 zeroes are no signature of %s', (alg) => {
    const key = makeIdpKey(alg, 'k');
    const bytes = { ES256: 64, ES384: 96, ES512: 132 }[alg] ?? 0;
    const input = signToken(key, payload).split('.').slice(0, 2).join('.');
    expect(judge(`${input}.${Buffer.alloc(bytes).toString('base64url')}`, keySetOf(key))).toBe('signature_invalid');
  });

  it('B12 RSA and Ed25519 signatures of another length are refused', () => {
    for (const key of [rsa, ed]) {
      const good = signToken(key, payload);
      const tail = Buffer.from(good.split('.')[2] ?? '', 'base64url');
      const input = good.slice(0, good.lastIndexOf('.'));
      for (const bytes of [tail.subarray(1), Buffer.concat([Buffer.alloc(1), tail]), Buffer.from([1])]) {
        expect(judge(`${input}.${bytes.toString('base64url')}`)).toBe('signature_invalid');
      }
    }
  });
});
