import { Entity, Index } from 'typeorm';
import { Id, JsonText, PrimaryId, Text, Time } from '../../platform/columns.js';

@Entity('api_keys')
@Index('api_keys_key_id', ['keyId'], { unique: true })
@Index('api_keys_tenant', ['tenantId'])
export class ApiKeyEntity {
  @PrimaryId() id: string;
  @Id() tenantId: string;
  /** The public part, by which the row is found. */
  @Text(16) keyId: string;
  /** SHA-256 of the secret part, base64url: it has 256 random bits, so a slow hash would add nothing. */
  @Text(44) secretHash: string;
  @Text(200) name: string;
  @JsonText() scopes: string[];
  /** The connection that it speaks for; null: any of the tenant, named in the request. */
  @Id({ nullable: true }) connectionId: string | null;
  @Time({ nullable: true }) expiresAt: number | null;
  @Time({ nullable: true }) revokedAt: number | null;
  /** Written at most once a minute. */
  @Time({ nullable: true }) lastUsedAt: number | null;
  /** For an operator's hour inside a customer's tenant: the tenant that the operator comes from. */
  @Id({ nullable: true }) operatorOf: string | null;
  @Id() createdBy: string;
  @Time() createdAt: number;
}
