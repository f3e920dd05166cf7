import { Entity, Index } from 'typeorm';
import { Flag, Id, PrimaryId, PrimaryText, Text, Time } from '../../platform/columns.js';

/**
 * An identity that is in its connection's SCIM directory, as lists and filters look for it. What SCIM said of it stands
 * in the identity's facts; this is only the index.
 */
@Entity('scim_users')
@Index('scim_users_connection', ['connectionId', 'identityId'])
@Index('scim_users_external_id', ['connectionId', 'externalId', 'identityId'])
@Index('scim_users_user_name', ['connectionId', 'userNameKey'], { unique: true })
@Index('scim_users_display_name', ['connectionId', 'displayNameKey', 'identityId'])
@Index('scim_users_modified', ['connectionId', 'modifiedAt', 'identityId'])
@Index('scim_users_active', ['connectionId', 'active', 'identityId'])
export class ScimUserEntity {
  @PrimaryId() identityId: string;
  @Id() tenantId: string;
  @Id() connectionId: string;
  /** As SCIM has it; two can have the same. */
  @Text(255, { nullable: true }) externalId: string | null;
  /** As SCIM has it; no two of a connection have the same, though a token may call one of them otherwise. */
  @Text(255) userNameKey: string;
  @Text(255, { nullable: true }) displayNameKey: string | null;
  /** Null where SCIM has taken it away; whether the identity counts is the identity's to say. */
  @Flag({ nullable: true }) active: boolean | null;
  @Time() createdAt: number;
  @Time() modifiedAt: number;
}

/** An address of such an identity; the key is that of `normaliseKey`. */
@Entity('scim_emails')
@Index('scim_emails_value', ['connectionId', 'valueKey', 'identityId'])
export class ScimEmailEntity {
  @PrimaryId() identityId: string;
  @PrimaryText(320) valueKey: string;
  @Id() tenantId: string;
  @Id() connectionId: string;
}
