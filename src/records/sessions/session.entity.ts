import { Entity, Index } from 'typeorm';
import { Flag, Id, JsonText, PrimaryId, PrimaryText, Text, Time } from '../../platform/columns.js';

@Entity('sessions')
@Index('sessions_user', ['userId', 'endedAt'])
@Index('sessions_identity', ['identityId'])
@Index('sessions_connection', ['connectionId', 'endedAt'])
@Index('sessions_tenant', ['tenantId', 'createdAt'])
@Index('sessions_expiry', ['expiresAt'])
@Index('sessions_token_mark', ['tokenMark'], { unique: true })
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
  /** SHA-256, base64url, of the one refresh token that was not used yet. */
  @Text(44) refreshHash: string;
  /** Its end: the idle end of the session. */
  @Time() refreshUntil: number;
  /**
   * The mark of the IdP's token that opened it, where a token logs in once only (D10). Sessions are kept for longer than
   * any such token lives.
   */
  @Text(44, { nullable: true }) tokenMark: string | null;
}

/** A refresh token that was used: a second use is a repetition, or tells that somebody has a copy. Only its hash is stored. */
@Entity('used_refresh_tokens')
@Index('used_refresh_tokens_expiry', ['expiresAt'])
export class UsedRefreshTokenEntity {
  @PrimaryId() sessionId: string;
  /** SHA-256 of the token, base64url. */
  @PrimaryText(44) tokenHash: string;
  @Id() tenantId: string;
  @Time() usedAt: number;
  /** The idle end that it had. */
  @Time() expiresAt: number;
}
