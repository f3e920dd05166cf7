import type { Algorithm } from '../records/connections/algorithms.js';

export interface AlgorithmRule {
  name: Algorithm;
  kty: 'RSA' | 'EC' | 'OKP';
  crv: 'P-256' | 'P-384' | 'P-521' | 'Ed25519' | null;
  /** Null where the algorithm hashes by itself. */
  hash: string | null;
  /** RSASSA-PSS: the salt is as long as the digest (RFC 7518, section 3.5). */
  pssSaltBytes: number | null;
  /** Null for RSA, whose signature is as long as the modulus. */
  signatureBytes: number | null;
  /** The order of the curve, big-endian, as long as r and as s. */
  order: Buffer | null;
}

const P256 = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');
const P384 = Buffer.from(
  'ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
  'hex',
);
const P521 = Buffer.from(`01${'f'.repeat(65)}a51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409`, 'hex');

function rsa(name: Algorithm, hash: string, pssSaltBytes: number | null): [string, AlgorithmRule] {
  return [name, { name, kty: 'RSA', crv: null, hash, pssSaltBytes, signatureBytes: null, order: null }];
}

function ecdsa(name: Algorithm, crv: AlgorithmRule['crv'], hash: string, order: Buffer): [string, AlgorithmRule] {
  return [name, { name, kty: 'EC', crv, hash, pssSaltBytes: null, signatureBytes: 2 * order.length, order }];
}

function eddsa(name: Algorithm): [string, AlgorithmRule] {
  return [name, { name, kty: 'OKP', crv: 'Ed25519', hash: null, pssSaltBytes: null, signatureBytes: 64, order: null }];
}

/** RFC 7518 section 3.1, RFC 8037 section 3.1, RFC 9864 section 2.2. */
const rules: ReadonlyMap<string, AlgorithmRule> = new Map([
  rsa('RS256', 'sha256', null),
  rsa('RS384', 'sha384', null),
  rsa('RS512', 'sha512', null),
  rsa('PS256', 'sha256', 32),
  rsa('PS384', 'sha384', 48),
  rsa('PS512', 'sha512', 64),
  ecdsa('ES256', 'P-256', 'sha256', P256),
  ecdsa('ES384', 'P-384', 'sha384', P384),
  ecdsa('ES512', 'P-521', 'sha512', P521),
  eddsa('EdDSA'),
  eddsa('Ed25519'),
]);

export function findAlgorithm(name: string): AlgorithmRule | null {
  return rules.get(name) ?? null;
}

/** `EdDSA` with an Ed25519 key and `Ed25519` are one algorithm under two names (RFC 9864, section 2.2). */
export function isSameAlgorithm(one: string, other: string): boolean {
  return one === other || (isEd25519Name(one) && isEd25519Name(other));
}

function isEd25519Name(name: string): boolean {
  return name === 'EdDSA' || name === 'Ed25519';
}
