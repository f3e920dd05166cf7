import { Entity, Index } from 'typeorm';
import { Flag, Id, JsonText, PrimaryId, PrimaryText, Text, Time, Whole } from '../../platform/columns.js';

@Entity('identities')
@Index('identities_external_id', ['connectionId', 'externalId'], { unique: true })
@Index('identities_subject', ['connectionId', 'subject'], { unique: true })
@Index('identities_user_name', ['connectionId', 'userNameKey'], { unique: true })
@Index('identities_mapping', ['connectionId', 'mappingVersion'])
@Index('identities_user', ['userId'])
export class IdentityEntity {
  @PrimaryId() id: string;
  @Id() tenantId: string;
  @Id() connectionId: string;
  @Id() userId: string;
  @Text(255, { nullable: true }) externalId: string | null;
  @Text(255, { nullable: true }) subject: string | null;
  @Text(255, { nullable: true }) userNameKey: string | null;
  @Flag() active: boolean;
  /** `Facts` of provisioning/facts.ts. */
  @JsonText() facts: unknown;
  /** Digest of the last push record, by which an unchanged one is told before anything else is loaded. */
  @Text(44, { nullable: true }) pushHash: string | null;
  @Whole() mappingVersion: number;
  /** Counts every write of this row, so that no writer overwrites another unseen (rule 8). */
  @Whole() revision: number;
  @Time({ nullable: true }) lastLoginAt: number | null;
  @Time({ nullable: true }) notBefore: number | null;
  /** The part of the connection whose push last stated it; '' the whole. Null: known by login or SCIM alone. */
  @Text(64, { nullable: true }) scope: string | null;
  /** It is gone from its snapshot, and will be switched off then, unless it is stated again. */
  @Time({ nullable: true }) leavingAt: number | null;
  @Time() createdAt: number;
}

/** What is left of a deleted identity until no token from before can be valid: enough to refuse that token (G7). */
@Entity('identity_traces')
@Index('identity_traces_expiry', ['expiresAt'])
export class IdentityTraceEntity {
  @PrimaryText(36) connectionId: string;
  /** SHA-256 of the subject, base64url. */
  @PrimaryText(44) subjectHash: string;
  @Time() notBefore: number;
  @Time() expiresAt: number;
}
