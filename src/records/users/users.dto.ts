import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsBoolean, IsIn, IsInt, IsOptional, IsString, IsUUID, Max, MaxLength, Min } from 'class-validator';
import { USER_SORTS, type UserSort } from './user-page.js';
import {
  IsAttributes,
  IsEmailAddress,
  IsHeldKey,
  IsHeldKeys,
  IsPersonName,
  IsReason,
  IsSearchText,
  IsTime,
  IsUserName,
} from './user-text.js';

export class ListUsersQuery {
  /** What the user name, e-mail address or displayed name begins with; upper and lower case are the same. */
  @IsOptional()
  @IsSearchText()
  q?: string;

  /** The key of a role that the user holds now. */
  @IsOptional()
  @IsHeldKey()
  role?: string;

  /** The id of a connection at which the user has an identity. */
  @IsOptional()
  @IsUUID()
  connection?: string;

  /** What pushes call the user, at `connection` or at any. */
  @IsOptional()
  @IsHeldKey()
  externalId?: string;

  /** `true`: at least one identity is switched on, or there is none; `false`: all are switched off. */
  @IsOptional()
  @IsIn(['true', 'false'])
  active?: 'true' | 'false';

  @IsOptional()
  @IsIn(['true', 'false'])
  suspended?: 'true' | 'false';

  @IsOptional()
  @IsIn(USER_SORTS)
  @ApiProperty({ enum: USER_SORTS, required: false })
  sort: UserSort = 'userName';

  @IsOptional()
  @IsIn(['asc', 'desc'])
  @ApiProperty({ required: false })
  order: 'asc' | 'desc' = 'asc';

  /** How many items, 1 to 200. */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(200)
  @ApiProperty({ type: 'integer', required: false })
  limit: number = 50;

  /** The `cursor` of the page before; without it, the first page. */
  @IsOptional()
  @IsString()
  @MaxLength(4000)
  cursor?: string;
}

/** A user made by hand. Connections know nothing of them, unless an e-mail address links them later. */
export class CreateUserBody {
  @IsUserName()
  userName: string;

  @IsOptional()
  @IsPersonName()
  displayName?: string | null;

  @IsOptional()
  @IsPersonName()
  givenName?: string | null;

  @IsOptional()
  @IsPersonName()
  familyName?: string | null;

  @IsOptional()
  @IsEmailAddress()
  email?: string | null;

  @IsOptional()
  @IsBoolean()
  emailVerified?: boolean;

  @IsOptional()
  @IsAttributes()
  @ApiProperty({ type: 'object', additionalProperties: true })
  attributes?: Record<string, unknown>;

  /** Why, for the ledger. */
  @IsOptional()
  @IsReason()
  reason?: string | null;
}

/** What is not there stays as it is; null empties it. */
export class ChangeUserBody {
  @IsOptional()
  @IsUserName()
  userName?: string | null;

  @IsOptional()
  @IsPersonName()
  displayName?: string | null;

  @IsOptional()
  @IsPersonName()
  givenName?: string | null;

  @IsOptional()
  @IsPersonName()
  familyName?: string | null;

  /** Another address counts as not verified, unless `emailVerified` comes with it. */
  @IsOptional()
  @IsEmailAddress()
  email?: string | null;

  @IsOptional()
  @IsBoolean()
  emailVerified?: boolean;

  /** Merged by name; null takes one away. */
  @IsOptional()
  @IsAttributes()
  @ApiProperty({ type: 'object', additionalProperties: true })
  attributes?: Record<string, unknown>;

  @IsOptional()
  @IsReason()
  reason?: string | null;
}

export class ReasonBody {
  /** Why, for the ledger. */
  @IsOptional()
  @IsReason()
  reason?: string | null;
}

export class ReasonQuery {
  /** Why, for the ledger. */
  @IsOptional()
  @IsReason()
  reason?: string;
}

export class DeleteUserQuery {
  /** `true`: the personal parts of events about the user are erased too; of a user who is deleted already as well. */
  @IsOptional()
  @IsIn(['true', 'false'])
  erase?: 'true' | 'false';

  /** Why, for the ledger. */
  @IsOptional()
  @IsReason()
  reason?: string;
}

export class UserRolePath {
  @IsString() id: string;
  /** The role's key. */
  @IsString() key: string;
}

export class UserEntitlementPath {
  @IsString() id: string;
  /** The entitlement itself, percent-encoded. */
  @IsString() text: string;
}

export class AdminWordBody {
  /** Why; shown beside the grant or block, and kept in the ledger. */
  @IsOptional()
  @IsReason()
  reason?: string | null;

  /** When it ends by itself; null or absent: it does not. */
  @IsOptional()
  @IsTime()
  @ApiProperty({ format: 'date-time' })
  until?: string | null;
}

/** Which parked grants count again: with neither list, all of them. */
export class ConfirmGrantsBody {
  /** The keys of roles. */
  @IsOptional()
  @IsHeldKeys()
  roles?: string[];

  /** The texts of entitlements. */
  @IsOptional()
  @IsHeldKeys()
  entitlements?: string[];

  @IsOptional()
  @IsReason()
  reason?: string | null;
}

export class MergeBody {
  /** The id of the user who is merged into this one, and is then gone. */
  @IsUUID()
  from: string;

  @IsOptional()
  @IsReason()
  reason?: string | null;
}
