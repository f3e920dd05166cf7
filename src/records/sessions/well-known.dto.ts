/** An elliptic-curve key (RFC 7517; RFC 7518, section 6.2.1). */
export class KeyView {
  /** @example EC */
  kty: string;
  /** @example P-256 */
  crv: string;
  x: string;
  y: string;
  /** Named by the `kid` in the header of a token. */
  kid: string;
  /** @example ES256 */
  alg: string;
  /** @example sig */
  use: string;
}

export class KeySetView {
  /** Keys that sign, that are about to, and that signed tokens which may still be good. */
  keys: KeyView[];
}

/** Authorization server metadata (RFC 8414). */
export class ServerMetadataView {
  /** The `iss` of access tokens, byte for byte. */
  issuer: string;
  jwks_uri: string;
  response_types_supported: string[];
  /** @example ["ES256"] */
  access_token_signing_alg_values_supported: string[];
}
