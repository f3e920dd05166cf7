import { ApiProperty } from '@nestjs/swagger';
import { IsOptional, IsString, IsUUID, MaxLength } from 'class-validator';

export class RecordNameView {
  givenName: string | null;
  familyName: string | null;
}

/** A user in the shape of a sync record. */
export class UserRecordView {
  /** The user's id; with `?connection=`, what that connection calls the identity. */
  externalId: string | null;
  userName: string | null;
  name: RecordNameView;
  displayName: string | null;
  email: string | null;
  emailVerified: boolean;
  /** May log in; with `?connection=`, whether the identity is switched on. */
  active: boolean;
  /** The keys of the roles that count; with `?connection=`, those that it named itself. */
  roles: string[];
  groups: string[];
  entitlements: string[];
  @ApiProperty({ type: 'object', additionalProperties: true }) attributes: Record<string, unknown>;
  @ApiProperty({ format: 'date-time' }) statedAt: string;
}

export class RecordQuery {
  /** The id of a connection: its people alone, in its own words. */
  @IsOptional()
  @IsUUID()
  connection?: string;
}

export class ExportQuery extends RecordQuery {
  /** `statedAt,externalId` of the last record of an export of Rollcall's own words that broke off: what comes after it. */
  @IsOptional()
  @IsString()
  @MaxLength(100)
  after?: string;
}
