import { Entity, Index } from 'typeorm';
import { Id, JsonText, LongText, PrimaryId, PrimaryWhole, Text, Time, Whole } from '../../platform/columns.js';

/** Counts by result of a record or person. */
export type RunCounts = Record<string, number>;

export const RUN_KINDS = ['push', 'import', 'replan', 'groups'] as const;
export const RUN_CAUSES = ['request', 'change'] as const;
export const RUN_STATUSES = ['running', 'finished', 'broken', 'cancelled'] as const;
export const RUN_PHASES = ['waiting', 'receiving', 'writing', 'ended'] as const;

/** One push, import or re-plan; or people following a change of their groups. */
@Entity('runs')
@Index('runs_tenant', ['tenantId', 'startedAt'])
@Index('runs_status', ['status'])
@Index('runs_alive', ['aliveAt'])
export class RunEntity {
  @PrimaryId() id: string;
  @Id() tenantId: string;
  @Id() connectionId: string;
  @Text(16) kind: (typeof RUN_KINDS)[number];
  /** What called for it: somebody's request, or a change of what people's roles follow from. */
  @Text(16) cause: (typeof RUN_CAUSES)[number];
  /** Who is missing: `upsert` says nobody. Null for a re-plan. */
  @Text(16, { nullable: true }) mode: 'upsert' | null;
  /** As it was last written: of a run whose process died it still says `running` (run-state.ts). */
  @Text(16) status: (typeof RUN_STATUSES)[number];
  @Text(16) phase: (typeof RUN_PHASES)[number];
  /** The principal that asked for it. */
  @Text(16) actorType: string;
  @Id() actorId: string;
  /** For a re-plan: the version that it brings everyone to. */
  @Whole() mappingVersion: number;
  /** Of the records up to `upTo`; what is committed beyond is in the parts. */
  @JsonText() counts: RunCounts;
  /** Every record up to this number is done with. */
  @Whole() upTo: number;
  /** Of a stream: digest of all that was sent up to there. */
  @Text(44, { nullable: true }) digest: string | null;
  /** Which try of the request works on it: a new one takes it from an older that comes back. */
  @Id({ nullable: true }) holder: string | null;
  @Text(500, { nullable: true }) error: string | null;
  @Time() startedAt: number;
  /** The last sign of life. */
  @Time() aliveAt: number;
  /** Somebody asked it to stop. */
  @Time({ nullable: true }) cancelAt: number | null;
  @Time({ nullable: true }) finishedAt: number | null;
}

/** A chunk of a stream, written in the transaction of its effect. Gone when the run has finished. */
@Entity('run_parts')
export class RunPartEntity {
  @PrimaryId() runId: string;
  /** The number of its first record. */
  @PrimaryWhole() part: number;
  @Id() tenantId: string;
  /** The number of its last record. */
  @Whole() upTo: number;
  @Text(44) digest: string;
  @JsonText() counts: RunCounts;
}

/** A record that was refused, written with what its chunk has done. */
@Entity('run_failures')
@Index('run_failures_at', ['at'])
export class RunFailureEntity {
  @PrimaryId() runId: string;
  /** Of the record, from 1: its line in a stream, its place in a list. */
  @PrimaryWhole() record: number;
  @Id() tenantId: string;
  @Text(255, { nullable: true }) externalId: string | null;
  @Text(64) code: string;
  @Text(1000) detail: string;
  /** JSON; null where the detail says all. */
  @LongText({ nullable: true }) faults: string | null;
  @Time() at: number;
}
