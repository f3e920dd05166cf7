import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsOptional, IsUUID } from 'class-validator';
import { formatTime } from '../../platform/clock.js';
import { PageQuery } from '../../platform/page-query.dto.js';
import type { RunEntity } from './run.entity.js';

const KINDS = ['push', 'replan', 'groups'] as const;
const STATUSES = ['running', 'finished', 'failed'] as const;

export class RunQuery extends PageQuery {
  /** Runs of this connection alone. */
  @IsOptional() @IsUUID() connection?: string;
  @IsOptional() @IsIn(KINDS) @ApiProperty({ enum: KINDS, required: false }) kind?: (typeof KINDS)[number];
  @IsOptional() @IsIn(STATUSES) @ApiProperty({ enum: STATUSES, required: false }) status?: (typeof STATUSES)[number];
}

export class RunActor {
  type: string;
  id: string;
}

/** One push or re-plan, or (`groups`) people following a change of their groups. */
export class RunView {
  id: string;
  connection: string;
  @ApiProperty({ enum: KINDS }) kind: string;
  @ApiProperty({ enum: STATUSES }) status: string;
  /** Who asked for it. */
  actor: RunActor;
  /** The version of the mapping that it worked by. */
  mappingVersion: number;
  /** How many persons, by what became of them. */
  @ApiProperty({ type: 'object', additionalProperties: { type: 'integer' } })
  counts: Record<string, number>;
  error: string | null;
  startedAt: string;
  finishedAt: string | null;

  static toView(row: RunEntity): RunView {
    return {
      id: row.id,
      connection: row.connectionId,
      kind: row.kind,
      status: row.status,
      actor: { type: row.actorType, id: row.actorId },
      mappingVersion: row.mappingVersion,
      counts: row.counts,
      error: row.error,
      startedAt: formatTime(row.startedAt),
      finishedAt: row.finishedAt === null ? null : formatTime(row.finishedAt),
    };
  }
}

export class RunList {
  items: RunView[];
  cursor: string | null;
}
