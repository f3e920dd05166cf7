import { Entity, Index } from 'typeorm';
import { Id, JsonText, LongText, PrimaryId, Text, Time, Whole } from '../../platform/columns.js';

/** Why a request was refused, as its answer said, personal values masked. */
export interface RequestProblem {
  scimType: string | null;
  detail: string;
}

/** One request of a SCIM client, masked (mask-body.ts) before it is written. */
@Entity('scim_requests')
@Index('scim_requests_connection', ['connectionId', 'id'])
@Index('scim_requests_expiry', ['expiresAt'])
export class ScimRequestEntity {
  @PrimaryId() id: string;
  @Id() tenantId: string;
  @Id() connectionId: string;
  /** The API key that it came with. */
  @Id() keyId: string;
  /** As in the answer's `x-request-id`, and in the service's own log. */
  @Text(64) requestId: string;
  @Time() at: number;
  @Text(16) method: string;
  /** With its query. */
  @Text(2000) path: string;
  @Text(200, { nullable: true }) userAgent: string | null;
  @Whole() status: number;
  /** Microseconds from the first byte of the request to the last of the answer. */
  @Time() took: number;
  @Whole() bodyBytes: number;
  /** JSON; null where there was none, or none that could be read. */
  @LongText({ nullable: true }) body: string | null;
  @Whole() answerBytes: number;
  @LongText({ nullable: true }) answer: string | null;
  @JsonText({ nullable: true }) problem: RequestProblem | null;
  @Time() expiresAt: number;
}
