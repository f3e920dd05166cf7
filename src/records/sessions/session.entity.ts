import { Entity, Index } from 'typeorm';
import { Flag, Id, JsonText, PrimaryId, PrimaryText, Text, Time } from '../../platform/columns.js';

@Entity('sessions')
@Index('sessions_user', ['userId', 'endedAt'])
@Index('sessions_identity', ['identityId'])
@Index('sessions_connection', ['connectionId', 'endedAt'])
@Index('sessions_tenant', ['tenantId', 'createdAt'])
@Index('sessions_expiry', ['expiresAt'])
export class SessionEntity {
  @PrimaryId() id: string;
  @Id() tenantId: string;
  @Id() userId: string;
  /** Null for a local admin. */
  @Id({ nullable: true }) connectionId: string | null;
  @Id({ nullable: true }) identityId: string | null;
  @Id() applicationId: string;
  /** False: privileged roles are withheld from this session, whoever granted them (rule 4). */
  @Flag() privileged: boolean;
  /** `auth_time` of the IdP's token, else its `iat`. */
  @Time() authTime: number;
  @JsonText() amr: string[];
  @Text(45, { nullable: true }) address: string | null;
  @Text(255, { nullable: true }) userAgent: string | null;
  @Time() createdAt: number;
  @Time() lastUsedAt: number;
  /** The end that no refresh moves. */
  @Time() expiresAt: number;
  @Time({ nullable: true }) endedAt: number | null;
  @Text(40, { nullable: true }) endReason: string | null;
}

/** One link of a session's chain of refresh tokens. Only its hash is stored. */
@Entity('refresh_tokens')
@Index('refresh_tokens_session', ['sessionId'])
@Index('refresh_tokens_expiry', ['expiresAt'])
export class RefreshTokenEntity {
  /** SHA-256 of the token, base64url. */
  @PrimaryText(44) tokenHash: string;
  @Id() sessionId: string;
  @Id() tenantId: string;
  @Time() createdAt: number;
  /** The idle end. */
  @Time() expiresAt: number;
  @Time({ nullable: true }) usedAt: number | null;
}
