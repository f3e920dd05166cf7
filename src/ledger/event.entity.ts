import { Entity, Index } from 'typeorm';
import { Id, JsonText, PrimaryId, PrimaryText, PrimaryWhole, Text, Time, Whole } from '../platform/columns.js';

/**
 * A fact about a change or an attempt. Never updated, but that what tells of a person is erased with them: then the seal,
 * which covers all the rest and a digest of that, still verifies. Never deleted but with its tenant or behind a checkpoint.
 */
@Entity('events')
@Index('events_subject', ['tenantId', 'subjectId', 'id'])
@Index('events_personal_of', ['personalOf'])
export class EventEntity {
  @PrimaryId() id: string;
  @Id() tenantId: string;
  @Text(64) type: string;
  @Time() at: number;
  @Text(32) subjectType: string;
  @Text(64) subjectId: string;
  @Whole() subjectVersion: number;
  @Text(16) actorType: string;
  @Text(64) actorId: string;
  /** The door: `login`, `sync`, `rest`, `replan`, `cli`, `system`. */
  @Text(16) via: string;
  @Id({ nullable: true }) runId: string | null;
  @Text(500, { nullable: true }) reason: string | null;
  /** Names of the fields that changed, never their values. */
  @JsonText() fields: string[];
  /** SHA-256 over salt and personal part, base64url; null where there is none. */
  @Text(44, { nullable: true }) personalDigest: string | null;
  /** Whose personal part it is, where that is not the subject. */
  @Text(64, { nullable: true }) personalOf: string | null;
  @Text(24, { nullable: true }) salt: string | null;
  /** What tells of a person; null where there is nothing, or where it was erased. */
  @JsonText({ nullable: true }) personal: unknown;
}

/**
 * A parcel of events of one tenant and one transaction that wait for their numbers. It goes when all have one; till then
 * some may have theirs already, if they had to come before others.
 */
@Entity('event_queue')
export class EventParcelEntity {
  /** The id of its first event. */
  @PrimaryId() id: string;
  @Id() tenantId: string;
  @JsonText() eventIds: string[];
}

/** A tenant's events in their order, without gaps, each sealed with the hash of the one before. */
@Entity('event_order')
@Index('event_order_event', ['eventId'], { unique: true })
export class EventOrderEntity {
  @PrimaryText(36) tenantId: string;
  @PrimaryWhole() number: number;
  @Id() eventId: string;
  @Text(44) hash: string;
}

/** The last number and seal of a tenant; its row is the lock of the sequencer. */
@Entity('ledger_heads')
export class LedgerHeadEntity {
  @PrimaryText(36) tenantId: string;
  @Whole() number: number;
  @Text(44) hash: string;
}

/** A signed head: what the ledger was at a moment, for whoever kept a copy. */
@Entity('ledger_checkpoints')
export class LedgerCheckpointEntity {
  @PrimaryText(36) tenantId: string;
  @PrimaryWhole() number: number;
  @Text(44) hash: string;
  @Time() at: number;
  @Text(64) kid: string;
  @Text(1000) signature: string;
}
