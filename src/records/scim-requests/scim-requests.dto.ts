import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString } from 'class-validator';
import { formatTime } from '../../platform/clock.js';
import { PageQuery } from '../../platform/page-query.dto.js';
import type { ScimRequestEntity } from './scim-request.entity.js';

const CLASSES = ['2xx', '3xx', '4xx', '5xx', 'refused'] as const;
export type StatusClass = (typeof CLASSES)[number];

export class ScimRequestQuery extends PageQuery {
  /** Only those that were answered so; `refused` is 4xx and 5xx, and a Bulk in which an operation failed. */
  @IsOptional() @IsIn(CLASSES) @ApiProperty({ enum: CLASSES, required: false }) status?: StatusClass;
  /** At this time or later (RFC 3339). */
  @IsOptional() @IsString() since?: string;
}

export class ScimRequestProblem {
  /** As RFC 7644, section 3.12 names it. */
  scimType: string | null;
  /** Why it was refused, in words. */
  detail: string;
}

/** JSON of the shape that was sent, its personal values masked. */
const MASKED = { type: 'object', additionalProperties: true, nullable: true } as const;

/** One request of a SCIM client. */
export class ScimRequestView {
  @ApiProperty({ format: 'uuid' }) id: string;
  @ApiProperty({ format: 'date-time' }) at: string;
  /** As in the answer's header `x-request-id`. */
  requestId: string;
  /** The API key that it came with. */
  @ApiProperty({ format: 'uuid' }) apiKey: string;
  userAgent: string | null;
  method: string;
  /** With its query, decoded; values in filters are masked. */
  path: string;
  @ApiProperty({ type: 'integer' }) status: number;
  /** How long it took, in milliseconds. */
  ms: number;
  /** Null where all went well. */
  problem: ScimRequestProblem | null;
  @ApiProperty({ type: 'integer' }) bodyBytes: number;
  /** What was sent: the shape of it, with personal values masked and secrets hidden, cut at some kilobytes. */
  @ApiProperty(MASKED) body: unknown;
  @ApiProperty({ type: 'integer' }) answerBytes: number;
  /** What was answered, likewise; null where it was long or about no person. */
  @ApiProperty(MASKED) answer: unknown;

  static toView(row: ScimRequestEntity): ScimRequestView {
    return {
      id: row.id,
      at: formatTime(row.at),
      requestId: row.requestId,
      apiKey: row.keyId,
      userAgent: row.userAgent,
      method: row.method,
      path: row.path,
      status: row.status,
      ms: row.took / 1000,
      problem: row.problem && { scimType: row.problem.scimType, detail: row.problem.detail },
      bodyBytes: row.bodyBytes,
      body: asObject(row.body),
      answerBytes: row.answerBytes,
      answer: asObject(row.answer),
    };
  }
}

export class ScimRequestList {
  /** Newest first. */
  items: ScimRequestView[];
  cursor: string | null;
}

/** Clients also send what is no object, and are refused for it: it is shown as the member `body` of one. */
function asObject(json: string | null): object | null {
  if (json === null) return null;
  const value = JSON.parse(json) as unknown;
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : { body: value };
}
