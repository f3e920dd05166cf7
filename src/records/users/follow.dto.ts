import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsInt, IsOptional, IsUUID, Max, Min } from 'class-validator';
import { UserRecordView } from './user-record.dto.js';

const IDS_MAX = 500;

export class FindRecordsBody {
  /** Ids of users, as events name them. */
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(IDS_MAX)
  @IsUUID(undefined, { each: true })
  ids: string[];
}

export class FoundRecordsView {
  /** In the order in which they were asked for. */
  items: UserRecordView[];
  /** Ids of those who are not there: deleted, or not among these people any more, or never. */
  missing: string[];
}

export class DigestQuery {
  /** A position of the change feed: whoever has changed after it is left out, and named. */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  after?: number;
}

export class PeopleDigestView {
  /** The id of the connection whose people they are; null: everybody in the tenant. */
  primary_id: string | null;
  /** Up to this number of the change feed everything is counted in. */
  position: number;
  /** A change of these people that is counted in has no number yet. */
  pending: boolean;
  /**
   * With `after`: the ids of whoever has changed or left since, numbered or not. They are not counted. Null where they
   * are more than 1,000 or too many to look for, and without `after`: then everybody is counted.
   */
  changed: string[] | null;
  count: number;
  /**
   * The exclusive or of the first 16 bytes of SHA-256 over `<id> <microseconds of the last change since 1970>` of each
   * user, in hexadecimal digits.
   */
  @ApiProperty({ example: '00112233445566778899aabbccddeeff' }) digest: string;
  /** The present moment of this instance. */
  @ApiProperty({ format: 'date-time' }) at: string;
}
