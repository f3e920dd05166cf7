import { ApiProperty } from '@nestjs/swagger';
import { ArrayMaxSize, IsArray, IsBoolean, IsIn, IsOptional, IsString, Matches } from 'class-validator';
import { formatTime } from '../../platform/clock.js';
import { isPrivilegedRole } from '../../platform/grant-rules.js';
import { IsPlainText, IsPlainTextOrEmpty } from '../../platform/plain-text.js';
import type { RoleEntity } from './role.entity.js';
import { ROLE_KEY, ROLE_PERMISSIONS_MAX } from './role-rules.js';

export class CreateRoleBody {
  /** What grants, tokens and mappings call it; never changes. Lower-case letters, digits, dots, hyphens, underscores. */
  @IsString()
  @Matches(ROLE_KEY, { message: 'key must be 1 to 64 of a-z, 0-9, dot, hyphen, underscore, not at its ends' })
  key: string;

  @IsPlainText(200)
  name: string;

  @IsOptional()
  @IsPlainTextOrEmpty(1000)
  description?: string;

  /** Rollcall's own permissions that you hold yourself, and any `resource:action` of your applications. */
  @IsArray()
  @ArrayMaxSize(ROLE_PERMISSIONS_MAX)
  @IsString({ each: true })
  permissions: string[];

  /** Mark it as privileged: only connections with `allowPrivileged` may grant it. */
  @IsOptional()
  @IsBoolean()
  privileged?: boolean;
}

export class ChangeRoleBody {
  @IsOptional()
  @IsPlainText(200)
  name?: string;

  @IsOptional()
  @IsPlainTextOrEmpty(1000)
  description?: string;

  @IsOptional()
  @IsArray()
  @ArrayMaxSize(ROLE_PERMISSIONS_MAX)
  @IsString({ each: true })
  permissions?: string[];

  @IsOptional()
  @IsBoolean()
  privileged?: boolean;
}

export class DeleteRoleQuery {
  /** `true`: delete it although connections name it or more than 1,000 grants hold it. */
  @IsOptional()
  @IsIn(['true', 'false'])
  force?: 'true' | 'false';
}

/** A named set of permissions. */
export class RoleView {
  id: string;
  key: string;
  name: string;
  description: string;
  permissions: string[];
  /** Marked so, or holding one of Rollcall's own permissions other than `…:read`. */
  privileged: boolean;
  builtIn: boolean;
  version: number;
  @ApiProperty({ format: 'date-time' }) createdAt: string;
  @ApiProperty({ format: 'date-time' }) updatedAt: string;
}

export class RolePage {
  items: RoleView[];
  /** Of the next page; null on the last. */
  cursor: string | null;
}

export function toRoleView(row: RoleEntity): RoleView {
  return {
    id: row.id,
    key: row.key,
    name: row.name,
    description: row.description,
    permissions: row.permissions,
    privileged: isPrivilegedRole(row),
    builtIn: Boolean(row.builtIn),
    version: row.version,
    createdAt: formatTime(row.createdAt),
    updatedAt: formatTime(row.updatedAt),
  };
}
