import { Entity } from 'typeorm';
import { JsonText, LongText, PrimaryText, Time } from '../../platform/columns.js';

/** An ES256 key as RFC 7517 and RFC 7518, section 6.2.1 write it. */
export interface PublicJwk {
  kty: string;
  crv: string;
  x: string;
  y: string;
  kid: string;
  alg: string;
  use: string;
}

/** A key that signs access tokens: published before its first use, and until its last token has expired. */
@Entity('signing_keys')
export class SigningKeyEntity {
  @PrimaryText(64) kid: string;
  @JsonText() publicJwk: PublicJwk;
  /** PKCS#8, sealed with ROLLCALL_SECRET; empty when the key has long retired. */
  @LongText() sealedPrivateKey: string;
  @Time() createdAt: number;
  @Time() activeFrom: number;
  /** Signs no more from here on; null while nothing replaces it. */
  @Time({ nullable: true }) retiredAt: number | null;
}
