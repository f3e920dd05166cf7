import { Entity, Index } from 'typeorm';
import { Flag, Id, JsonText, PrimaryId, Text, Time, Whole } from '../../platform/columns.js';

@Entity('applications')
@Index('applications_audience', ['tenantId', 'audience'], { unique: true })
export class ApplicationEntity {
  @PrimaryId() id: string;
  @Id() tenantId: string;
  @Text(200) name: string;
  /** The `aud` and `client_id` of its access tokens; unique in the tenant. */
  @Text(255) audience: string;
  /** Browser origins that may call the login endpoints (CORS). */
  @JsonText() origins: string[];
  /** Keys of the roles that its tokens name; null: all. */
  @JsonText({ nullable: true }) roles: string[] | null;
  @Flag() isDefault: boolean;
  @Whole() version: number;
  @Time() createdAt: number;
  @Time() updatedAt: number;
}
