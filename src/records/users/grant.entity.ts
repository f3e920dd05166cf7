import { Entity, Index } from 'typeorm';
import { Id, PrimaryText, Text, Time, Whole } from '../../platform/columns.js';

/** One user holds one role or entitlement because of one source. The key clusters a user's grants together. */
@Entity('grants')
@Index('grants_holders', ['tenantId', 'kind', 'heldKey', 'userId'])
@Index('grants_until', ['until'])
export class GrantEntity {
  @PrimaryText(36) userId: string;
  @PrimaryText(12) kind: 'role' | 'entitlement';
  @PrimaryText(255) heldKey: string;
  /** The identity that it came through, or `admin`. */
  @PrimaryText(36) sourceId: string;
  /** The mapping's rule, `direct`, or empty for an admin's grant. */
  @PrimaryText(64) rule: string;
  @Id() tenantId: string;
  @Id({ nullable: true }) connectionId: string | null;
  @Whole() mappingVersion: number;
  @Text(255, { nullable: true }) because: string | null;
  @Id({ nullable: true }) adminId: string | null;
  @Text(500, { nullable: true }) reason: string | null;
  @Time() since: number;
  @Time({ nullable: true }) until: number | null;
  /** Since when an admin's grant counts no more, until an admin confirms it. */
  @Time({ nullable: true }) parkedAt: number | null;
}

export const ADMIN_SOURCE = 'admin';

@Entity('blocks')
@Index('blocks_until', ['until'])
export class BlockEntity {
  @PrimaryText(36) userId: string;
  @PrimaryText(12) kind: 'role' | 'entitlement';
  @PrimaryText(255) heldKey: string;
  @Id() tenantId: string;
  @Id() adminId: string;
  @Text(500, { nullable: true }) reason: string | null;
  @Time() since: number;
  @Time({ nullable: true }) until: number | null;
}
