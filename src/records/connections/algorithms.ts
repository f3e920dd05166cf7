/** The signature algorithms that a connection may list. HMAC is missing on purpose: an IdP's key set is public (B2). */
export const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;

export type Algorithm = (typeof ALGORITHMS)[number];
