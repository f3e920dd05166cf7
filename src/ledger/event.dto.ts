import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Length, Matches, Max, Min } from 'class-validator';

const LIMIT_MAX = 200;
const FEED_LIMIT_MAX = 1000;
const WAIT_SECONDS_MAX = 60;

export class FeedQueryDto {
  /** The last number or `position` that the reader has; 0 reads from the beginning. */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  after?: number = 0;

  /** How many events at most. */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(FEED_LIMIT_MAX)
  limit?: number = 50;

  /** Seconds to wait for an event when there is none yet. */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(WAIT_SECONDS_MAX)
  wait?: number = 0;
}

export class AuditQueryDto {
  /** An event type (`user.role_granted`), or the beginning of several and a star (`login.*`). */
  @IsOptional()
  @IsString()
  @Length(1, 64)
  @Matches(/^[^*]*\*?$/, { message: '$property may have a star at its end only' })
  type?: string;

  /** Id of what the event is about. */
  @IsOptional()
  @IsString()
  @Length(1, 64)
  subject?: string;

  /** Id of who did it. */
  @IsOptional()
  @IsString()
  @Length(1, 64)
  actor?: string;

  /** At this time or later (RFC 3339). */
  @IsOptional()
  @IsString()
  after?: string;

  /** Before this time (RFC 3339). */
  @IsOptional()
  @IsString()
  before?: string;

  /** How many events at most. */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(LIMIT_MAX)
  limit?: number = 50;

  /** Where the page before ended, as it said. */
  @IsOptional()
  @IsString()
  @Length(1, 200)
  cursor?: string;
}

export class EventSubjectView {
  /** `user`, `connection`, `role` … */
  type: string;
  id: string;
  /** The subject's version after the change; 0 for an attempt, which changes nothing. */
  version: number;
}

export class EventActorView {
  @ApiProperty({ enum: ['user', 'api-key', 'system'] })
  type: string;
  id: string;
}

export class EventView {
  /** Counts a tenant's events from 1, without gaps. */
  number: number;
  @ApiProperty({ format: 'uuid' })
  id: string;
  /** Such as `user.role_granted`. */
  type: string;
  /** May run backwards along the numbers, by the difference of two instances' clocks. */
  @ApiProperty({ format: 'date-time' })
  at: string;
  subject: EventSubjectView;
  actor: EventActorView;
  /** The door: `login`, `sync`, `rest`, `replan`, `cli` or `system`. */
  via: string;
  /** The run that it is part of. */
  run: string | null;
  reason: string | null;
  /** Names of the fields that changed; their values are the subject's to show. */
  fields: string[];
  /** The seal: SHA-256 over the event and the seal of the number before. */
  hash: string;
}

export class AuditEventView extends EventView {
  /**
   * What the event tells of a person; there only for callers with `audit:personal`, and null when there was nothing to
   * tell or the person was erased.
   */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true, nullable: true })
  personal?: unknown;
}

export class FeedView {
  items: EventView[];
  /** What to ask `after` next: everything up to here was read, events that the feed leaves out too. */
  position: number;
  /** The last number that there was. */
  head: number;
}

export class AuditPageView {
  /** Newest first. */
  items: AuditEventView[];
  /** Where the next page begins; null when there is none. A page may be short, even empty, and not be the last. */
  cursor: string | null;
}
