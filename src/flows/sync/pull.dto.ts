import { ApiProperty } from '@nestjs/swagger';
import { IsBoolean, IsOptional } from 'class-validator';
import { formatTime } from '../../platform/clock.js';
import type { ConnectionSourceEntity } from '../../records/sources/source.entity.js';

/** What shall be read; where nothing is said, what is read at the times of `cron`. */
export class PullBody {
  /** `true`: everybody. `false`: those who have changed. */
  @IsOptional() @IsBoolean() full?: boolean;
  /** `true`: answers what would become of each person, and writes nothing. */
  @IsOptional() @IsBoolean() dryRun?: boolean;
}

/** The source is about to be read. */
export class PullAcceptedView {
  /** The run's id: `GET /sync-runs/{id}`, also the answer's `Location`. */
  run: string;
  @ApiProperty({ enum: ['running'] }) status: 'running';
}

/** The source answers, and is read again by its schedule; what was missed is caught up at once. */
export class SourceResumedView {
  connection: string;
  /** When changes are read next; null: when somebody asks. */
  nextAt: string | null;
  /** When everything is. */
  nextFullAt: string | null;

  static toView(row: ConnectionSourceEntity): SourceResumedView {
    return {
      connection: row.connectionId,
      nextAt: row.nextAt === null ? null : formatTime(row.nextAt),
      nextFullAt: row.nextFullAt === null ? null : formatTime(row.nextFullAt),
    };
  }
}
