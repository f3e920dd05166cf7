import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Max,
  MaxLength,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { formatTime } from '../../platform/clock.js';
import { SOURCE_TYPES, type SourceType } from './source-settings.js';
import type { ConnectionSourceEntity } from './source.entity.js';

const TYPE = { enum: SOURCE_TYPES };
const TEXTS = { type: 'object', additionalProperties: { type: 'string' } };

/** What the source is asked with: sealed, and never shown again. */
export class SourceCredentialBody {
  /** `bearer` (`token`), `basic` (`userName`, `password`), or a `header` of its own (`name`, `value`). */
  @IsIn(['bearer', 'basic', 'header'])
  @ApiProperty({ enum: ['bearer', 'basic', 'header'] })
  kind: 'bearer' | 'basic' | 'header';
  @IsOptional() @IsString() @MaxLength(8000) token?: string;
  @IsOptional() @IsString() @MaxLength(500) userName?: string;
  @IsOptional() @IsString() @MaxLength(500) password?: string;
  @IsOptional() @IsString() @MaxLength(100) name?: string;
  @IsOptional() @IsString() @MaxLength(8000) value?: string;
}

/** When a source is read by itself. Without `cron` it is read only when somebody asks. */
export class SourceScheduleBody {
  /** Five fields; without `fullCron` all of it is read each time, else what has changed. */
  @ValidateIf((body: SourceScheduleBody) => isGiven(body.cron))
  @IsString()
  cron?: string | null;
  /** When all of it is read: only then is it noticed who is missing. */
  @ValidateIf((body: SourceScheduleBody) => isGiven(body.fullCron))
  @IsString()
  fullCron?: string | null;
  /** IANA name; `UTC` by default. */
  @IsOptional() @IsString() @MaxLength(64) timeZone?: string;
  /** Each time begins up to so much later, so that not all sources are read at once. */
  @IsOptional() @IsInt() @Min(0) @Max(3600) jitterSeconds?: number;
}

/** Where a connection's people are fetched from. A setting that the type does not have is a fault. */
export class SourceBody {
  @IsIn(SOURCE_TYPES) @ApiProperty(TYPE) type: SourceType;
  /** Of `scim` the base address, of `rollcall` that of the other Rollcall, else of the (first) document. */
  @IsString() @MaxLength(1000) url: string;
  /** Left out: the stored one stays, unless `url` leads to another host; null: none. */
  @ValidateIf((body: SourceBody) => isGiven(body.credential))
  @IsObject()
  @ValidateNested()
  @Type(() => SourceCredentialBody)
  @ApiProperty({ writeOnly: true })
  credential?: SourceCredentialBody | null;
  /** Null: only when somebody asks. */
  @ValidateIf((body: SourceBody) => isGiven(body.schedule))
  @IsObject()
  @ValidateNested()
  @Type(() => SourceScheduleBody)
  schedule?: SourceScheduleBody | null;
  /** `scim`: `auto` (default) asks the server which it has. */
  @IsOptional()
  @IsIn(['auto', 'cursor', 'index'])
  @ApiProperty({ enum: ['auto', 'cursor', 'index'] })
  paging?: 'auto' | 'cursor' | 'index';
  /** `scim`: 200 by default. */
  @IsOptional() @IsInt() @Min(1) @Max(1000) pageSize?: number;
  /** `scim`: which attribute becomes the external id; `id` by default. */
  @IsOptional()
  @IsIn(['id', 'externalId', 'userName'])
  @ApiProperty({ enum: ['id', 'externalId', 'userName'] })
  externalId?: 'id' | 'externalId' | 'userName';
  /** `scim`: from the members of `/Groups` (`list`, default), from `groups` of each user (`users`), or not at all. */
  @IsOptional()
  @IsIn(['list', 'users', 'none'])
  @ApiProperty({ enum: ['list', 'users', 'none'] })
  groups?: 'list' | 'users' | 'none';
  /** `json`: pointer (RFC 6901) to the list; the whole document by default. */
  @IsOptional() @IsString() items?: string;
  /** `json`: pointer to the address of the next page; by default that of the `Link` header. */
  @ValidateIf((body: SourceBody) => isGiven(body.next))
  @IsString()
  next?: string | null;
  /** `json`: the query parameter for what `next` leads to, where that is no address. */
  @ValidateIf((body: SourceBody) => isGiven(body.nextParameter))
  @IsString()
  @MaxLength(100)
  nextParameter?: string | null;
  /** `json`, `ndjson`: a record's fields and where they stand in an item; by default items are records. */
  @ValidateIf((body: SourceBody) => isGiven(body.fields))
  @IsObject()
  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' } })
  fields?: Record<string, string> | null;
  /** `rollcall`: the connection there. */
  @IsOptional() @IsString() @MaxLength(64) primaryId?: string;
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** That there is a credential; it is never shown. */
export class SourceCredentialView {
  /** The key that it is sealed with; another one after `rollcall keys rotate` under another secret. */
  keyId: string;
}

export class SourceScheduleView {
  cron: string | null;
  fullCron: string | null;
  timeZone: string;
  jitterSeconds: number;
  nextAt: string | null;
  nextFullAt: string | null;
}

/** Since when nothing is fetched, and why. */
export class SourceSuspensionView {
  at: string;
  reason: string;
}

export class SourceView {
  connection: string;
  @ApiProperty(TYPE) type: SourceType;
  url: string;
  @ApiProperty({ required: false, enum: ['auto', 'cursor', 'index'] }) paging?: string;
  pageSize?: number;
  @ApiProperty({ required: false, enum: ['id', 'externalId', 'userName'] }) externalId?: string;
  @ApiProperty({ required: false, enum: ['list', 'users', 'none'] }) groups?: string;
  items?: string;
  next?: string | null;
  nextParameter?: string | null;
  @ApiProperty({ required: false, oneOf: [{ type: 'null' }, TEXTS] })
  fields?: Record<string, string> | null;
  primaryId?: string;
  credential: SourceCredentialView | null;
  schedule: SourceScheduleView;
  suspended: SourceSuspensionView | null;
  /** In a row. */
  failures: number;
  lastRun: string | null;
  /** `rollcall`: when the people here were last found to be those of the other Rollcall, in the versions that it has. */
  comparedAt: string | null;
  version: number;
  createdAt: string;
  updatedAt: string;

  static toView(row: ConnectionSourceEntity): SourceView {
    const time = (at: number | null): string | null => (at === null ? null : formatTime(at));
    return {
      connection: row.connectionId,
      ...row.settings,
      credential: row.sealedCredential === null ? null : { keyId: row.sealedCredential.split('.')[1] ?? '' },
      schedule: {
        cron: row.cron,
        fullCron: row.fullCron,
        timeZone: row.timeZone,
        jitterSeconds: row.jitterSeconds,
        nextAt: time(row.nextAt),
        nextFullAt: time(row.nextFullAt),
      },
      suspended:
        row.suspendedAt === null ? null : { at: formatTime(row.suspendedAt), reason: row.suspendedReason ?? '' },
      failures: row.failures,
      lastRun: row.lastRunId,
      comparedAt: time(row.comparedAt),
      version: row.version,
      createdAt: formatTime(row.createdAt),
      updatedAt: formatTime(row.updatedAt),
    };
  }
}
