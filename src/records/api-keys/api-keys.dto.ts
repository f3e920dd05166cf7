import { ApiProperty } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsInt,
  IsOptional,
  IsString,
  Max,
  MaxLength,
  Min,
} from 'class-validator';
import { formatTime } from '../../platform/clock.js';
import { IsPlainText } from '../../platform/plain-text.js';
import type { ApiKeyEntity } from './api-key.entity.js';
import { prefixOf } from './key-format.js';

export class CreateApiKeyBody {
  @IsPlainText(200)
  name: string;

  /** Rollcall's own permissions; only what you hold yourself. */
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(100)
  @ArrayUnique()
  @IsString({ each: true })
  scopes: string[];

  /** The id of the connection that it speaks for; without it, requests name one. */
  @IsOptional()
  @IsString()
  @MaxLength(36)
  connection?: string | null;

  /** When it stops, RFC 3339; without it, never. */
  @IsOptional()
  @ApiProperty({ format: 'date-time' })
  @IsString()
  @MaxLength(40)
  expiresAt?: string | null;
}

export class RenameApiKeyBody {
  @IsPlainText(200)
  name: string;
}

export class RotateApiKeyBody {
  /** For how long the old key goes on working; 0: not at all. At most 30 days. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(2_592_000)
  overlapSeconds?: number;
}

/** A credential of a machine. */
export class ApiKeyView {
  id: string;
  name: string;
  /** Its beginning, by which it can be told from others: `rc_3kF9…`. */
  @ApiProperty({ example: 'rc_3kF9aZ01…' }) prefix: string;
  scopes: string[];
  /** The id of the connection that it is bound to. */
  connection: string | null;
  @ApiProperty({ format: 'date-time' }) expiresAt: string | null;
  /** To the minute. */
  @ApiProperty({ format: 'date-time' }) lastUsedAt: string | null;
  /** Who made it: a user's id or a key's. */
  createdBy: string;
  @ApiProperty({ format: 'date-time' }) createdAt: string;
}

export class NewApiKeyView extends ApiKeyView {
  /** The whole key. Shown this once. */
  @ApiProperty({ example: 'rc_3kF9aZ01_…' }) key: string;
}

export class ApiKeyPage {
  items: ApiKeyView[];
  /** Of the next page; null on the last. */
  cursor: string | null;
}

export function toApiKeyView(row: ApiKeyEntity): ApiKeyView {
  return {
    id: row.id,
    name: row.name,
    prefix: prefixOf(row.keyId),
    scopes: row.scopes,
    connection: row.connectionId,
    expiresAt: row.expiresAt === null ? null : formatTime(row.expiresAt),
    lastUsedAt: row.lastUsedAt === null ? null : formatTime(row.lastUsedAt),
    createdBy: row.createdBy,
    createdAt: formatTime(row.createdAt),
  };
}
