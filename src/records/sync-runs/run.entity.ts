import { Entity, Index } from 'typeorm';
import { Id, JsonText, PrimaryId, Text, Time, Whole } from '../../platform/columns.js';

/** Counts by result of a record or person. */
export type RunCounts = Record<string, number>;

/** One push, pull, import or re-plan; or people following a change of their groups. */
@Entity('runs')
@Index('runs_tenant', ['tenantId', 'startedAt'])
@Index('runs_status', ['status'])
export class RunEntity {
  @PrimaryId() id: string;
  @Id() tenantId: string;
  @Id() connectionId: string;
  @Text(16) kind: 'push' | 'replan' | 'groups';
  @Text(16) status: 'running' | 'finished' | 'failed';
  /** The principal that asked for it. */
  @Text(16) actorType: string;
  @Id() actorId: string;
  /** For a re-plan: the version that it brings everyone to. */
  @Whole() mappingVersion: number;
  @JsonText() counts: RunCounts;
  @Text(500, { nullable: true }) error: string | null;
  @Time() startedAt: number;
  @Time({ nullable: true }) finishedAt: number | null;
}
