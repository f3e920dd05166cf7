import { ApiProperty } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
} from 'class-validator';
import { formatTime } from '../../platform/clock.js';
import { IsPlainText } from '../../platform/plain-text.js';
import type { ApplicationEntity } from './application.entity.js';

const AUDIENCE = /^[\x21-\x7e]{1,255}$/;
const AUDIENCE_MESSAGE = { message: 'audience must be 1 to 255 printable ASCII characters without spaces' };

export class CreateApplicationBody {
  @IsPlainText(200)
  name: string;

  /** The `aud` and `client_id` of its access tokens; unique in the tenant. */
  @IsString()
  @Matches(AUDIENCE, AUDIENCE_MESSAGE)
  audience: string;

  /** Browser origins that may call the login endpoints, such as `https://app.example.com`. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(50)
  @ArrayUnique()
  @IsString({ each: true })
  @MaxLength(255, { each: true })
  origins?: string[];

  /** Keys of the roles that its tokens name; null: all. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(500)
  @ArrayUnique()
  @IsString({ each: true })
  @MaxLength(64, { each: true })
  roles?: string[] | null;
}

export class ChangeApplicationBody {
  @IsOptional()
  @IsPlainText(200)
  name?: string;

  @IsOptional()
  @IsString()
  @Matches(AUDIENCE, AUDIENCE_MESSAGE)
  audience?: string;

  @IsOptional()
  @IsArray()
  @ArrayMaxSize(50)
  @ArrayUnique()
  @IsString({ each: true })
  @MaxLength(255, { each: true })
  origins?: string[];

  /** Null: all roles. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(500)
  @ArrayUnique()
  @IsString({ each: true })
  @MaxLength(64, { each: true })
  roles?: string[] | null;

  /** `true` makes it the one that logins mean when they name none. */
  @IsOptional()
  @IsBoolean()
  isDefault?: boolean;
}

/** What reads Rollcall's access tokens. */
export class ApplicationView {
  id: string;
  name: string;
  audience: string;
  origins: string[];
  roles: string[] | null;
  isDefault: boolean;
  version: number;
  @ApiProperty({ format: 'date-time' }) createdAt: string;
  @ApiProperty({ format: 'date-time' }) updatedAt: string;
}

export class ApplicationPage {
  items: ApplicationView[];
  /** Of the next page; null on the last. */
  cursor: string | null;
}

export function toApplicationView(row: ApplicationEntity): ApplicationView {
  return {
    id: row.id,
    name: row.name,
    audience: row.audience,
    origins: row.origins,
    roles: row.roles,
    isDefault: Boolean(row.isDefault),
    version: row.version,
    createdAt: formatTime(row.createdAt),
    updatedAt: formatTime(row.updatedAt),
  };
}
