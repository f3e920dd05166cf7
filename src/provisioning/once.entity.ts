import { Entity, Index } from 'typeorm';
import { Id, LongText, PrimaryText, PrimaryWhole, Text, Time, Whole } from '../platform/columns.js';

/** A request that was sent with an `Idempotency-Key`. */
@Entity('idempotency_keys')
@Index('idempotency_keys_expiry', ['expiresAt'])
export class IdempotencyKeyEntity {
  @PrimaryText(36) principalId: string;
  @PrimaryText(255) requestKey: string;
  @Text(44) requestHash: string;
  /** What a later try of it goes on with. */
  @Id({ nullable: true }) runId: string | null;
  /** Whoever works on it holds it until then; a dead holder's request can be taken over and goes on. */
  @Time() heldUntil: number;
  @Whole({ nullable: true }) status: number | null;
  @LongText({ nullable: true }) answer: string | null;
  @Time() expiresAt: number;
}

/** The results of one chunk of it, written in the transaction of the chunk's effect. */
@Entity('idempotency_parts')
export class IdempotencyPartEntity {
  @PrimaryText(36) principalId: string;
  @PrimaryText(255) requestKey: string;
  @PrimaryWhole() part: number;
  @LongText() results: string;
}
