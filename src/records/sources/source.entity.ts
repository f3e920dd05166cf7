import { Entity, Index } from 'typeorm';
import { Id, JsonText, LongText, PrimaryId, Text, Time, Whole } from '../../platform/columns.js';
import type { SourceSettings } from './source-settings.js';

/** Where a connection's people are fetched from, when, and how far that has come. */
@Entity('connection_sources')
@Index('connection_sources_due', ['nextAt'])
@Index('connection_sources_full_due', ['nextFullAt'])
export class ConnectionSourceEntity {
  @PrimaryId() connectionId: string;
  @Id() tenantId: string;
  @Text(16) type: SourceSettings['type'];
  /** Everything else that an admin sets, but the credential and the schedule. */
  @JsonText() settings: SourceSettings;
  /** What the source is asked with (source-credential.ts), sealed; null where it asks for nothing. */
  @LongText({ nullable: true }) sealedCredential: string | null;
  /** Where reading goes on: a `SourcePlace` of its reader. Null: from the beginning. */
  @JsonText({ nullable: true }) state: unknown;
  /** When changes are fetched; null: only when somebody asks. */
  @Text(100, { nullable: true }) cron: string | null;
  /** When everything is; null: only when somebody asks. */
  @Text(100, { nullable: true }) fullCron: string | null;
  /** IANA name, of both. */
  @Text(64) timeZone: string;
  @Whole() jitterSeconds: number;
  @Time({ nullable: true }) nextAt: number | null;
  @Time({ nullable: true }) nextFullAt: number | null;
  /** How many times in a row it has failed. */
  @Whole() failures: number;
  @Time({ nullable: true }) suspendedAt: number | null;
  @Text(500, { nullable: true }) suspendedReason: string | null;
  @Id({ nullable: true }) lastRunId: string | null;
  /** Of another Rollcall: when this copy of it was last found to be what that has. */
  @Time({ nullable: true }) comparedAt: number | null;
  /** Counts what admins save; fetching does not change it. */
  @Whole() version: number;
  @Time() createdAt: number;
  @Time() updatedAt: number;
}
