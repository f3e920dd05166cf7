import { Entity, Index } from 'typeorm';
import { Flag, Id, PrimaryId, PrimaryText, Text, Time, Whole } from '../../platform/columns.js';

/** A group of a connection's directory, as SCIM pushed it. */
@Entity('scim_groups')
@Index('scim_groups_display_name', ['connectionId', 'displayNameKey'], { unique: true })
@Index('scim_groups_external_id', ['connectionId', 'externalId'])
@Index('scim_groups_modified', ['connectionId', 'modifiedAt', 'id'])
export class ScimGroupEntity {
  @PrimaryId() id: string;
  @Id() tenantId: string;
  @Id() connectionId: string;
  @Text(255) displayName: string;
  @Text(255) displayNameKey: string;
  @Text(255, { nullable: true }) externalId: string | null;
  /** Counts every change of the group, its members' too. */
  @Whole() version: number;
  /** Counts the changes of what its members' facts call it. */
  @Whole() revision: number;
  @Time() createdAt: number;
  @Time() modifiedAt: number;
}

/** One member of a group. A group of 50,000 is never read or written as a whole to change one of them. */
@Entity('scim_members')
@Index('scim_members_member', ['connectionId', 'memberId'])
export class ScimMemberEntity {
  @PrimaryId() groupId: string;
  /** The identity; or, where the connection keeps what nobody knows, whatever the provider named. */
  @PrimaryText(255) memberId: string;
  @Id() tenantId: string;
  @Id() connectionId: string;
  /** It names somebody of the directory. */
  @Flag() known: boolean;
  /** What the provider calls the member, where the connection keeps that. */
  @Text(255, { nullable: true }) display: string | null;
  @Time() addedAt: number;
}

/** Somebody whose facts a run has yet to bring in line with their groups. */
@Entity('scim_due')
@Index('scim_due_connection', ['connectionId'])
export class ScimDueEntity {
  @PrimaryId() runId: string;
  @PrimaryId() identityId: string;
  @Id() tenantId: string;
  @Id() connectionId: string;
}
