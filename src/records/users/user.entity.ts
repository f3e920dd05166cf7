import { Entity, Index } from 'typeorm';
import { Flag, Id, JsonText, PrimaryId, Text, Time, Whole } from '../../platform/columns.js';

@Entity('users')
@Index('users_user_name', ['tenantId', 'userNameKey'])
@Index('users_email', ['tenantId', 'emailKey'])
@Index('users_display_name', ['tenantId', 'displayNameKey'])
@Index('users_updated', ['tenantId', 'updatedAt'])
export class UserEntity {
  @PrimaryId() id: string;
  @Id() tenantId: string;
  @Text(255, { nullable: true }) userName: string | null;
  @Text(255, { nullable: true }) userNameKey: string | null;
  @Text(255, { nullable: true }) displayName: string | null;
  @Text(255, { nullable: true }) displayNameKey: string | null;
  @Text(255, { nullable: true }) givenName: string | null;
  @Text(255, { nullable: true }) familyName: string | null;
  @Text(320, { nullable: true }) email: string | null;
  @Text(320, { nullable: true }) emailKey: string | null;
  @Flag() emailVerified: boolean;
  @JsonText() attributes: Record<string, unknown>;
  @Flag() suspended: boolean;
  /** Guards the whole person: identities, grants and blocks too. */
  @Whole() version: number;
  @Time() createdAt: number;
  @Time() updatedAt: number;
}
