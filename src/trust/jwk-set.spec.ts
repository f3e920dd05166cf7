import { describe, expect, it } from '@jest/globals';
import { keySetOf, makeIdpKey, publish } from '../../test/support/signed-tokens.js';
import { keyServes, parseKeySet } from './jwk-set.js';
import { findRsaFault, hasRocaFingerprint } from './rsa-modulus.js';

const rsa = makeIdpKey('RS256', 'rsa');
const ec = makeIdpKey('ES256', 'ec');
const ed = makeIdpKey('EdDSA', 'ed');

function faultsOf(jwk: Record<string, unknown>) {
  const set = keySetOf(jwk, ed);
  expect(set.keys.map((key) => key.kid)).toEqual(['ed']);
  return set.faults;
}

function encodeNumber(value: bigint): string {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex').toString('base64url');
}

describe('key sets', () => {
  it('C11 keys of every supported kind are read', () => {
    const kinds = ['RS256', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];
    const set = keySetOf(...kinds.map((alg) => makeIdpKey(alg, alg)));
    expect(set.keys.map((key) => key.alg)).toEqual(kinds);
    expect(set.faults).toEqual([]);
  });

  it('B4 a key without alg serves only the first of the listed algorithms that fits it', () => {
    const bare: Record<string, unknown> = { ...rsa.jwk };
    delete bare.alg;
    const [key] = keySetOf(bare).keys;
    if (!key) throw new Error('no key');
    expect(keyServes(key, 'RS256', ['ES256', 'RS256', 'PS256'])).toBe(true);
    expect(keyServes(key, 'PS256', ['ES256', 'RS256', 'PS256'])).toBe(false);
    expect(keyServes(key, 'PS256', ['PS256', 'RS256'])).toBe(true);
    expect(keyServes(key, 'ES256', ['ES256'])).toBe(false);
  });

  it.each([
    [{ use: 'enc' }],
    [{ use: '' }],
    [{ use: ['sig'] }],
    [{ use: undefined, key_ops: ['encrypt'] }],
    [{ key_ops: [] }],
    [{ key_ops: ['sign'] }],
    [{ key_ops: 'verify' }],
  ])('B5 a key with %j is not for verifying', (changes) => {
    expect(faultsOf({ ...rsa.jwk, ...changes })).toMatchObject([{ severity: 'note' }]);
  });

  it('B5 use sig with key_ops verify is for verifying', () => {
    expect(keySetOf({ ...rsa.jwk, key_ops: ['verify'] }).keys).toHaveLength(1);
  });

  it('B6 RSA keys under 2048 bits are ignored and reported', () => {
    expect(faultsOf(makeIdpKey('RS256', 'weak', 1024).jwk)).toMatchObject([
      { index: 0, kid: 'weak', severity: 'warning', detail: expect.stringContaining('1024 bits') },
    ]);
  });

  it.each([1n, 2n, 65536n, 0n, 2n ** 64n + 1n])('B6 the exponent %s is ignored and reported', (exponent) => {
    expect(faultsOf({ ...rsa.jwk, e: encodeNumber(exponent) })[0]?.detail).toContain('exponent');
  });

  it('B6 an even or an enormous modulus is ignored and reported', () => {
    expect(faultsOf({ ...rsa.jwk, n: encodeNumber(2n ** 2048n - 2n) })[0]?.detail).toContain('even');
    expect(faultsOf({ ...rsa.jwk, n: encodeNumber(2n ** 16384n - 1n) })[0]?.detail).toContain('16384 bits');
  });

  const point = Buffer.from(ec.jwk['x'] as string, 'base64url');
  it.each([
    ['x and y swapped, off the curve', { x: ec.jwk['y'], y: ec.jwk['x'] }],
    ['zero, off the curve', { x: Buffer.alloc(32).toString('base64url'), y: Buffer.alloc(32).toString('base64url') }],
    ['a short coordinate', { x: point.subarray(1).toString('base64url') }],
    ['a long coordinate', { x: Buffer.concat([Buffer.alloc(1), point]).toString('base64url') }],
    ['no y', { y: undefined }],
    ['a padded coordinate', { x: `${String(ec.jwk['x'])}=` }],
    ['the curve of another size', { crv: 'P-384' }],
    ['kty RSA', { kty: 'RSA' }],
    ['alg of another curve', { alg: 'ES384' }],
    ['alg of another type', { alg: 'RS256' }],
    ['no curve', { crv: undefined }],
    ['an inherited name as curve', { crv: 'toString', alg: undefined }],
    ['an unknown curve', { crv: 'secp256k1', alg: undefined }],
  ])('B6 an EC key with %s is ignored and reported', (_, changes) => {
    expect(faultsOf({ ...ec.jwk, ...changes })).toHaveLength(1);
  });

  it('B7 a kid with two usable keys belongs to neither, and is reported', () => {
    const set = keySetOf(rsa, { ...ec.jwk, kid: 'rsa' }, ed);
    expect(set.byKid.get('rsa')).toBe('ambiguous');
    expect(set.byKid.get('ed')).toMatchObject({ kid: 'ed' });
    expect(set.faults).toMatchObject([{ kid: 'rsa', severity: 'warning' }]);
    const three = keySetOf(rsa, { ...ec.jwk, kid: 'rsa' }, { ...ed.jwk, kid: 'rsa' });
    expect(three.byKid.get('rsa')).toBe('ambiguous');
  });

  it('B7 a key for encryption may share the kid of a key for signatures', () => {
    const set = keySetOf(rsa, { ...makeIdpKey('RS256', 'rsa').jwk, use: 'enc' });
    expect(set.byKid.get('rsa')).toMatchObject({ kid: 'rsa' });
  });

  it.each([
    ['an oct key', { kty: 'oct', k: 'c2VjcmV0', kid: 'hmac', alg: 'HS256' }],
    ['an oct key without a value', { kty: 'oct', kid: 'hmac' }],
    ['a private RSA key', rsa.privateKey.export({ format: 'jwk' })],
    ['an RSA key with a factor', { ...rsa.jwk, p: 'AQAB' }],
    ['an RSA key with the other factor', { ...rsa.jwk, q: 'AQAB' }],
    ['a private EC key', ec.privateKey.export({ format: 'jwk' })],
    ['a private Ed25519 key', ed.privateKey.export({ format: 'jwk' })],
    ['an EC key with k', { ...ec.jwk, k: 'c2VjcmV0' }],
  ])('B8 %s is dropped and raises an alarm', (_, jwk) => {
    expect(faultsOf(jwk as Record<string, unknown>)).toMatchObject([{ severity: 'alarm' }]);
  });

  it('B8 an alarm does not repeat the secret', () => {
    const [fault] = faultsOf({ kty: 'oct', k: 'c2VjcmV0', kid: 'hmac' });
    expect(JSON.stringify(fault)).not.toContain('c2VjcmV0');
  });

  it('B13 a key with the ROCA fingerprint is refused and reported', () => {
    // As the chips make them: a modulus that is a power of 65537 modulo the product of the small primes.
    let primorial = 2n;
    for (let candidate = 3; candidate <= 167; candidate += 2) {
      const divisors = Array.from({ length: candidate - 2 }, (_, index) => index + 2);
      if (divisors.every((divisor) => candidate % divisor !== 0)) primorial *= BigInt(candidate);
    }
    let power = 1n;
    for (let round = 0; round < 12345; round++) power = (power * 65537n) % primorial;
    const modulus = ((2n ** 2047n + 2n ** 2046n) / primorial) * primorial + power;
    expect(hasRocaFingerprint(modulus)).toBe(true);
    expect(faultsOf({ ...rsa.jwk, n: encodeNumber(modulus) })[0]?.detail).toContain('ROCA');
    expect(findRsaFault(Buffer.from(rsa.jwk['n'] as string, 'base64url'), Buffer.from([1, 0, 1]))).toBeNull();
  });

  it('C5 a set of 101 keys is no key set', () => {
    const many = (count: number) => ({ keys: Array.from({ length: count }, () => ed.jwk) });
    expect(parseKeySet(many(101))).toBeNull();
    expect(parseKeySet(many(100))).not.toBeNull();
  });

  it.each([null, [], 'keys', {}, { keys: {} }, { keys: null }, 7])('C4 %j is no key set', (document) => {
    expect(parseKeySet(document)).toBeNull();
  });

  it('C11 keys that cannot be read do not disable the others', () => {
    const broken = [
      null,
      'key',
      7,
      [],
      {},
      { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AAAA' },
      { kty: 'RSA' },
      { kty: 'RSA', n: '!!', e: 'AQAB' },
      { kty: 'EC', crv: 'P-256', x: 1, y: 2 },
      { kty: 'OKP', crv: 'X25519', x: ed.jwk['x'] },
      { kty: 'OKP', crv: 'Ed448', x: ed.jwk['x'] },
      { ...rsa.jwk, kid: 7 },
      { ...rsa.jwk, alg: 'RS1' },
      { ...rsa.jwk, alg: 'RSA-OAEP' },
      { ...rsa.jwk, alg: null },
    ];
    const set = parseKeySet({ keys: [...broken, ...publish(rsa, ec).keys] });
    expect(set?.keys.map((key) => key.kid)).toEqual(['rsa', 'ec']);
    expect(set?.faults.map((fault) => fault.index)).toEqual(broken.map((_, index) => index));
  });
});
