import { SECOND, type Micros } from '../../platform/clock.js';
import type { RunCounts, RunEntity } from './run.entity.js';

/** A run's process says every second that it lives; so long after the last word it is taken for dead. */
export const LOST_AFTER: Micros = 15 * SECOND;

export type RunStanding = Pick<RunEntity, 'kind' | 'status' | 'phase' | 'aliveAt'>;

/** These never break: whichever instance comes next carries them on. */
export const CARRIED_ON: readonly RunEntity['kind'][] = ['replan', 'groups', 'pull'];

/** What a run is now. What it takes away, another instance goes on with. */
export function statusOf({ kind, status, phase, aliveAt }: RunStanding, now: Micros): RunEntity['status'] {
  const isCarriedOn = CARRIED_ON.includes(kind) || phase === 'removing';
  const isLost = status === 'running' && !isCarriedOn && aliveAt + LOST_AFTER < now;
  return isLost ? 'broken' : status;
}

/** All its records are in, and no later try of it has anything to add. */
export function isComplete({ status, phase }: Pick<RunEntity, 'status' | 'phase'>): boolean {
  return status === 'running' ? phase === 'removing' : status !== 'broken' && status !== 'cancelled';
}

export function addCounts(sum: RunCounts, more: Readonly<RunCounts>): RunCounts {
  const all = { ...sum };
  for (const [name, count] of Object.entries(more)) all[name] = (all[name] ?? 0) + count;
  return all;
}

/** Records or persons a second, one decimal; 0 for a run that took no time. */
export function rateOf({
  counts,
  startedAt,
  finishedAt,
  aliveAt,
}: Pick<RunEntity, 'counts' | 'startedAt' | 'finishedAt' | 'aliveAt'>): number {
  const records = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const seconds = ((finishedAt ?? aliveAt) - startedAt) / SECOND;
  return seconds <= 0 ? 0 : Math.round((records / seconds) * 10) / 10;
}

export interface DonePart {
  part: number;
  upTo: number;
  counts: RunCounts;
}

/**
 * What is done of a stream: of the parts beyond `upTo`, in order, those that follow without a gap move it on; all of
 * them count.
 */
export function withParts(
  run: { upTo: number; counts: RunCounts },
  parts: readonly DonePart[],
): { upTo: number; counts: RunCounts } {
  let { upTo, counts } = run;
  for (const part of parts) {
    counts = addCounts(counts, part.counts);
    if (part.part === upTo + 1) ({ upTo } = part);
  }
  return { upTo, counts };
}
