import { Entity } from 'typeorm';
import { JsonText, LongText, PrimaryText, Time } from '../../platform/columns.js';

/** A key that signs access tokens: published before its first use, and until its last token has expired. */
@Entity('signing_keys')
export class SigningKeyEntity {
  @PrimaryText(64) kid: string;
  @JsonText() publicJwk: Record<string, unknown>;
  /** PKCS#8, sealed with ROLLCALL_SECRET. */
  @LongText() sealedPrivateKey: string;
  @Time() createdAt: number;
  @Time() activeFrom: number;
  /** Signs no more from here on; null while nothing replaces it. */
  @Time({ nullable: true }) retiredAt: number | null;
}
