import { Entity, Index } from 'typeorm';
import { Id, JsonText, PrimaryText, Text, Time } from '../../platform/columns.js';
import type { Guesses } from './lock-out.js';

/** The password of a local admin: the first one, and those for the day the IdP is down (break-glass). */
@Entity('local_passwords')
@Index('local_passwords_name', ['tenantId', 'userNameKey'], { unique: true })
export class LocalPasswordEntity {
  @PrimaryText(36) userId: string;
  @Id() tenantId: string;
  @Text(255) userNameKey: string;
  /** argon2id in PHC format. */
  @Text(255) passwordHash: string;
  @JsonText() guesses: Guesses;
  @Time() updatedAt: number;
}

/** A link that works once: the first operator, a reset. Only its hash is stored. */
@Entity('one_time_links')
export class OneTimeLinkEntity {
  @PrimaryText(44) tokenHash: string;
  @Text(32) purpose: 'first-operator' | 'reset-password' | 'invite-owner';
  @Id({ nullable: true }) tenantId: string | null;
  @Id({ nullable: true }) userId: string | null;
  /**
   * Rollcall's own permissions that the user's roles held when the link was made: it sets no password of one who holds
   * more by now. Null: whatever they hold.
   */
  @JsonText({ nullable: true }) mayHold: string[] | null;
  @Time() expiresAt: number;
  @Time({ nullable: true }) usedAt: number | null;
}
