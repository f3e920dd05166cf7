import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsOptional, IsUUID } from 'class-validator';
import { formatTime, type Micros } from '../../platform/clock.js';
import { PageQuery } from '../../platform/page-query.dto.js';
import {
  RUN_CAUSES,
  RUN_KINDS,
  RUN_PHASES,
  RUN_STATUSES,
  type RunEntity,
  type RunFailureEntity,
} from './run.entity.js';
import { rateOf, statusOf } from './run-state.js';

export class RunQuery extends PageQuery {
  /** Runs of this connection alone. */
  @IsOptional() @IsUUID() connection?: string;
  @IsOptional() @IsIn(RUN_KINDS) @ApiProperty({ enum: RUN_KINDS, required: false }) kind?: (typeof RUN_KINDS)[number];
  @IsOptional()
  @IsIn(RUN_STATUSES)
  @ApiProperty({ enum: RUN_STATUSES, required: false })
  status?: (typeof RUN_STATUSES)[number];
}

export class RunActor {
  type: string;
  id: string;
}

/** One push, import, pull or re-plan, or (`groups`) people following a change of their groups. */
export class RunView {
  id: string;
  connection: string;
  @ApiProperty({ enum: RUN_KINDS }) kind: string;
  /** `request`: somebody sent it, or asked for it. `schedule`: it was time. `change`: rules, ceilings or a role were saved, or a group was, and people follow it. */
  @ApiProperty({ enum: RUN_CAUSES }) cause: string;
  /** Who is missing: `upsert` says nobody, `snapshot` whoever its scope has and it does not name. Null for a re-plan. */
  mode: string | null;
  /** The part of the connection that it speaks for; empty for the whole. */
  scope: string;
  /** Of a snapshot: the moment whose truth it is. */
  statedAt: string | null;
  /**
   * `held`: what it would take away waits for an admin (`/plan`, `/approve`, `/reject`). `lapsed`: nobody agreed in seven
   * days. `superseded`: a later run has taken its place. `broken`: the stream broke off, or the process died that worked
   * on it: `error` says whether anything of it waits; `/cancel` lets go of that. Other runs are carried on by another.
   */
  @ApiProperty({ enum: RUN_STATUSES }) status: string;
  /**
   * `receiving`: the stream still comes in. `writing`: it has been received; the rest is being committed. `removing`: what
   * it takes away is.
   */
  @ApiProperty({ enum: RUN_PHASES }) phase: string;
  /** Who asked for it. */
  actor: RunActor;
  /** The version of the mapping that it worked by. */
  mappingVersion: number;
  /** How many records or persons, by what became of them. */
  @ApiProperty({ type: 'object', additionalProperties: { type: 'integer' } })
  counts: Record<string, number>;
  /** Every record up to this one is done with: the line of a stream, the place in a list, from 1. 0 for a re-plan. */
  upTo: number;
  recordsPerSecond: number;
  error: string | null;
  startedAt: string;
  /** The last sign of life of what works on it. */
  aliveAt: string;
  finishedAt: string | null;
  /** Of a run that is or was held: until when it could be approved. */
  heldUntil: string | null;

  static toView(row: RunEntity, now: Micros): RunView {
    const status = statusOf(row, now);
    return {
      id: row.id,
      connection: row.connectionId,
      kind: row.kind,
      cause: row.cause,
      mode: row.mode,
      scope: row.scope,
      statedAt: row.statedAt === null ? null : formatTime(row.statedAt),
      status,
      phase: status === 'running' ? row.phase : 'ended',
      actor: { type: row.actorType, id: row.actorId },
      mappingVersion: row.mappingVersion,
      counts: row.counts,
      upTo: row.upTo,
      recordsPerSecond: rateOf(row),
      error: status === 'broken' ? tellBreak(row) : row.error,
      startedAt: formatTime(row.startedAt),
      aliveAt: formatTime(row.aliveAt),
      finishedAt: row.finishedAt === null ? null : formatTime(row.finishedAt),
      heldUntil: row.heldUntil === null ? null : formatTime(row.heldUntil),
    };
  }
}

/** Why it broke off, and what of it is not done though it has been received. */
function tellBreak({ kind, error, counts }: RunEntity): string {
  const why = error ?? 'The process that worked on it is gone.';
  // The next pull reads it again.
  if (!counts.held || kind === 'pull') return why;
  const waits = `What takes away waits (records: ${counts.held}), and is not applied by sending the rest alone`;
  return `${why} ${waits}: send all of it again, under its Idempotency-Key if it had one.`;
}

export class RunList {
  items: RunView[];
  cursor: string | null;
}

export class RunProblem {
  code: string;
  detail: string;
  @ApiProperty({ type: 'array', items: { type: 'object', additionalProperties: true }, required: false })
  faults?: object[];
}

/** A record that was refused. */
export class RunFailureView {
  /** Its number, from 1: the line of a stream, the place in a list. */
  record: number;
  externalId: string | null;
  problem: RunProblem;

  static toView({ record, externalId, code, detail, faults }: RunFailureEntity): RunFailureView {
    const more = faults === null ? {} : { faults: JSON.parse(faults) as object[] };
    return { record, externalId, problem: { code, detail, ...more } };
  }
}

export class RunFailureList {
  items: RunFailureView[];
  cursor: string | null;
}
