import { ApiProperty } from '@nestjs/swagger';
import { IsInt, IsOptional, Max, Min } from 'class-validator';

export class IssueSyncKeyBody {
  /** For how long the key before goes on working; 0: not at all. At most 30 days. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(2_592_000)
  overlapSeconds?: number;
}

/** What another Rollcall needs to follow a connection. */
export class SyncKeyView {
  /** The id of the connection: a follower compares it, so that it never takes one customer's people for another's. */
  primary_id: string;
  /** The key. Shown this once. */
  @ApiProperty({ example: 'rc_3kF9aZ01_…' }) sync_api_key: string;
}
