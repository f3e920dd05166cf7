import { Entity, Index } from 'typeorm';
import type { Statement } from '../../plan/statement.js';
import { Flag, Id, JsonText, LongText, PrimaryId, PrimaryWhole, Text, Time, Whole } from '../../platform/columns.js';

/** Counts by result of a record or person. */
export type RunCounts = Record<string, number>;

export const RUN_KINDS = ['push', 'import', 'pull', 'replan', 'groups'] as const;
export const RUN_CAUSES = ['request', 'schedule', 'change'] as const;
export const RUN_MODES = ['upsert', 'snapshot'] as const;
export const RUN_STATUSES = [
  'running',
  'held',
  'finished',
  'broken',
  'cancelled',
  'rejected',
  'lapsed',
  'superseded',
] as const;
export const RUN_PHASES = ['waiting', 'receiving', 'writing', 'removing', 'ended'] as const;

/** One push, import or re-plan; or people following a change of their groups. */
@Entity('runs')
@Index('runs_tenant', ['tenantId', 'startedAt'])
@Index('runs_status', ['status'])
@Index('runs_alive', ['aliveAt'])
@Index('runs_connection', ['connectionId', 'mode', 'aliveAt'])
export class RunEntity {
  @PrimaryId() id: string;
  @Id() tenantId: string;
  @Id() connectionId: string;
  @Text(16) kind: (typeof RUN_KINDS)[number];
  /** What called for it: somebody's request, or a change of what people's roles follow from. */
  @Text(16) cause: (typeof RUN_CAUSES)[number];
  /** Who is missing: `upsert` says nobody, `snapshot` whoever its scope has and it does not name. Null for a re-plan. */
  @Text(16, { nullable: true }) mode: (typeof RUN_MODES)[number] | null;
  /** The part of the connection that it speaks for; '' the whole. */
  @Text(64) scope: string;
  /** Of a snapshot: the moment whose truth it is. */
  @Time({ nullable: true }) statedAt: number | null;
  /** Of a snapshot: how many active people its scope had before it; null: whoever is there by now counts. */
  @Whole({ nullable: true }) people: number | null;
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
  /** Of a held run: when it lapses. */
  @Time({ nullable: true }) heldUntil: number | null;
}

export const ENTRY_CHANGES = ['deactivate', 'statement', 'replan', 'groups'] as const;
/** `waiting`: not decided on. `due`: to be applied. `held`: an admin has to agree. `leaving`: due later. */
export const ENTRY_STATES = ['waiting', 'due', 'held', 'leaving', 'applied', 'skipped', 'failed'] as const;

export interface EntryStatement {
  says: Statement;
}

/**
 * What a run takes away, kept until all of it is known: then it is applied, or held for an admin. Whoever takes the run
 * over after a kill goes on with those that wait.
 */
@Entity('run_entries')
@Index('run_entries_state', ['state', 'runId', 'entry'])
@Index('run_entries_due', ['state', 'dueAt'])
@Index('run_entries_identity', ['identityId'])
export class RunEntryEntity {
  @PrimaryId() runId: string;
  /** From 1, in the order in which they are applied. */
  @PrimaryWhole() entry: number;
  @Id() tenantId: string;
  @Id() connectionId: string;
  @Id() userId: string;
  @Id() identityId: string;
  @Text(255, { nullable: true }) externalId: string | null;
  /** `deactivate`: missing from a snapshot. `statement`: a record. `replan`, `groups`: what follows from rules or groups. */
  @Text(16) change: (typeof ENTRY_CHANGES)[number];
  /** The number of the record in its run. */
  @Whole({ nullable: true }) record: number | null;
  /** The moment of the statement; what was stated later is not overruled. */
  @Time() at: number;
  /** Of a `statement`: what it says, until it is applied or skipped. */
  @JsonText({ nullable: true }) statement: EntryStatement | null;
  /** Whether the person's identity is switched off by it. */
  @Flag() deactivates: boolean;
  /** The roles and entitlements that the user would lose, as `role editor`. */
  @JsonText() loses: string[];
  /** Of the identity's row when it was planned. */
  @Whole() revision: number;
  @Text(16) state: (typeof ENTRY_STATES)[number];
  /** Of `leaving`: when it is applied. */
  @Time({ nullable: true }) dueAt: number | null;
}

/**
 * Whom the records of a push named, by eight bytes of the SHA-256 of each external id: the only trace of a record that
 * said nothing new. Kept for as long as somebody may ask who was stated since (a snapshot, the approval of a held run).
 */
@Entity('run_seen')
@Index('run_seen_connection', ['connectionId', 'at', 'runId', 'part'])
@Index('run_seen_at', ['at'])
export class RunSeenEntity {
  @PrimaryId() runId: string;
  /** The number of the first record. */
  @PrimaryWhole() part: number;
  @Id() tenantId: string;
  @Id() connectionId: string;
  /** The moment that was spoken of, if that was said, else when it came. */
  @Time() at: number;
  /** As base64; of at most 1000 names. */
  @LongText() names: string;
  /** The number of the first record of which nobody can say whom it named. */
  @Whole({ nullable: true }) unreadable: number | null;
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
  /** Of a pull: where its source is read on after this part. Null where that is within a page of it. */
  @JsonText({ nullable: true }) place: unknown;
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
