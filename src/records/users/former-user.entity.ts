import { Entity, Index } from 'typeorm';
import { Id, JsonText, PrimaryText, Time, Whole } from '../../platform/columns.js';

/** Whose account it was that a connection deleted: who returns within the time keeps the user id. In nobody's way. */
@Entity('former_users')
@Index('former_users_user', ['userId'])
@Index('former_users_expiry', ['expiresAt'])
export class FormerUserEntity {
  @PrimaryText(36) connectionId: string;
  /** SHA-256 of one of the account's names, base64url. */
  @PrimaryText(44) nameHash: string;
  @Id() tenantId: string;
  @Id() userId: string;
  /** The user's version at the end: the events of one who returns go on from it. */
  @Whole() version: number;
  /** What admins said against the user: `suspended` and `blocks`. */
  @JsonText() kept: unknown;
  @Time() removedAt: number;
  @Time() expiresAt: number;
}
