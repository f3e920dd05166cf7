import { Entity, Index } from 'typeorm';
import { Flag, Id, PrimaryId, PrimaryWhole, Time, Whole } from '../platform/columns.js';

/** What logins and SCIM writes took from people of a connection in one hour. */
@Entity('removal_hours')
@Index('removal_hours_at', ['at'])
export class RemovalHourEntity {
  @PrimaryId() connectionId: string;
  /** Hours since 1970. */
  @PrimaryWhole() hour: number;
  @Id() tenantId: string;
  /** How often somebody was switched off or deleted. */
  @Whole() deactivated: number;
  /** How often somebody lost roles or entitlements, and stayed. */
  @Whole() reduced: number;
  /** An event has said so. */
  @Flag() isTold: boolean;
  @Time() at: number;
}
