import { checkIssuerUrl } from '../records/connections/issuer-rules.js';

/** Where an issuer publishes its metadata (OpenID Connect Discovery 1.0, section 4.1). */
export function buildDiscoveryUrl(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
}

/**
 * The key set that an issuer's metadata names, or what is wrong with the metadata, in words. The `issuer` in it must
 * equal the configured one byte for byte (C8; RFC 8414, section 3.3): otherwise one provider could speak for another.
 */
export function readDiscovery(
  document: unknown,
  issuer: string,
  options: { allowLoopbackHttp: boolean },
): { ok: true; jwksUri: string } | { ok: false; detail: string } {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    return { ok: false, detail: 'The metadata is not a JSON object.' };
  }
  const { issuer: named, jwks_uri: jwksUri } = document as Record<string, unknown>;
  if (named !== issuer) {
    const seen = typeof named === 'string' ? named.slice(0, 200) : 'nothing';
    return { ok: false, detail: `The metadata is of the issuer ${seen}, not of ${issuer}.` };
  }
  if (typeof jwksUri !== 'string') return { ok: false, detail: 'The metadata names no "jwks_uri".' };
  const faults = checkIssuerUrl(jwksUri, options);
  return faults.length > 0 ? { ok: false, detail: `The "jwks_uri": ${faults.join(' ')}` } : { ok: true, jwksUri };
}
