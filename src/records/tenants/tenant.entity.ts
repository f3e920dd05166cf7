import { Entity, Index } from 'typeorm';
import { PrimaryId, Text, Time, Whole } from '../../platform/columns.js';

/** The tenant that holds the operators. */
export const PLATFORM_SLUG = 'platform';

@Entity('tenants')
@Index('tenants_slug', ['slug'], { unique: true })
export class TenantEntity {
  @PrimaryId() id: string;
  /** What people type to name their tenant at login: lower-case letters, digits and hyphens. */
  @Text(63) slug: string;
  @Text(200) name: string;
  @Text(16) status: 'active' | 'suspended' | 'deleting';
  @Whole() version: number;
  @Time() createdAt: number;
  @Time() updatedAt: number;
}
