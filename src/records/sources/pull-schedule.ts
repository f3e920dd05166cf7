import { CronTime } from 'cron';
import { hash } from 'node:crypto';
import { HOUR, MINUTE, SECOND, type Micros } from '../../platform/clock.js';

/** A cron expression of five fields (minute, hour, day of month, month, day of week), read in an IANA time zone. */
export interface CronSchedule {
  cron: string;
  timeZone: string;
}

/** When a source is read by itself; null where never. */
export interface PullSchedule {
  cron: string | null;
  /** When everything is. */
  fullCron: string | null;
  timeZone: string;
  jitterSeconds: number;
}

/** Everybody, or those who may have changed since. */
export type PullScope = 'full' | 'changes';

export interface NextPulls {
  nextAt: Micros | null;
  nextFullAt: Micros | null;
}

const EXPRESSION = /^[\d*,/a-z-]+(?: [\d*,/a-z-]+){4}$/i;
const [SECOND_MS, DAY_MS] = [1000, 24 * 3600 * 1000];

/** What is wrong with an expression, for whoever wrote it; null if nothing is. */
export function findCronFault(cron: string, now: Micros): string | null {
  if (cron.length > 100 || !EXPRESSION.test(cron)) {
    return 'must be a cron expression of five fields, such as `30 2 * * 1-5`';
  }
  try {
    nextTimeOf({ cron, timeZone: 'UTC' }, now);
    return null;
  } catch {
    return 'is not a cron expression, or names a day that does not come';
  }
}

/** What is wrong with the name of a time zone; null if nothing is. */
export function findTimeZoneFault(timeZone: string): string | null {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
    return null;
  } catch {
    return 'must be a time zone of the IANA database, such as `Europe/Berlin`';
  }
}

/**
 * The first moment after `after` at which the expression falls due; a whole second. Where clocks are put back, a time
 * that comes twice counts once, at first; where they are put forward, a time that is left out falls on the moment of the
 * change. An expression for every hour goes by hours that pass, whatever clocks show. Throws where no such moment comes
 * within eight years.
 */
export function nextTimeOf({ cron, timeZone }: CronSchedule, after: Micros): Micros {
  // The library knows expressions; across a change of clocks it answers times of another hour. So it is asked in UTC.
  const expression = new CronTime(cron, 'UTC');
  const wallAfter = (wall: number): number => expression.getNextDateFrom(new Date(wall), 'UTC').toMillis();
  const clocks = new WallClocks(timeZone);
  const from = Math.floor(after / SECOND) * SECOND_MS;
  const isHourly = cron.trim().split(/\s+/)[1] === '*';
  return 1000 * (isHourly ? nextOfEveryHour(from, clocks, wallAfter) : nextOfHours(from, clocks, wallAfter));
}

function nextOfHours(from: number, clocks: WallClocks, wallAfter: (wall: number) => number): number {
  for (let wall = from + clocks.offsetAt(from); ;) {
    wall = wallAfter(wall);
    const at = clocks.firstAt(wall);
    if (at > from) return at;
  }
}

function nextOfEveryHour(from: number, clocks: WallClocks, wallAfter: (wall: number) => number): number {
  let offset = clocks.offsetAt(from);
  for (let [before, since] = [from, from]; ;) {
    const at = wallAfter(before + offset) - offset;
    if (clocks.offsetAt(at) === offset) return at;
    since = clocks.findChange(since, at);
    before = since - SECOND_MS;
    offset = clocks.offsetAt(since);
  }
}

/** What clocks of a time zone show. Moments are milliseconds; what clocks show is written as the moment in UTC. */
class WallClocks {
  private readonly format: Intl.DateTimeFormat;

  constructor(timeZone: string) {
    this.format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
  }

  /** How far clocks are ahead of UTC. */
  offsetAt(at: number): number {
    const [, sign, hours, minutes, seconds = '0'] =
      /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?/.exec(this.format.format(at)) ?? [];
    if (sign === undefined) return 0;
    return (sign === '-' ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
  }

  /** When clocks first show this; if they never do, when they are put past it. */
  firstAt(wall: number): number {
    const [before, after] = [this.offsetAt(wall - DAY_MS), this.offsetAt(wall + DAY_MS)];
    const shown = [wall - before, wall - after].filter((at) => at + this.offsetAt(at) === wall);
    return shown.length > 0 ? Math.min(...shown) : this.findChange(wall - after, wall - before);
  }

  /** The first second of the offset that counts at `until` and not yet at `from`. */
  findChange(from: number, until: number): number {
    const old = this.offsetAt(from);
    let [low, high] = [from / SECOND_MS, until / SECOND_MS];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.offsetAt(middle * SECOND_MS) === old) low = middle;
      else high = middle;
    }
    return high * SECOND_MS;
  }
}

/** The next pulls after `after`, of whatever was missed in between: it is caught up by the one that comes next. */
export function nextPullsOf(sourceId: string, schedule: PullSchedule, after: Micros): NextPulls {
  const { cron, fullCron, timeZone, jitterSeconds } = schedule;
  const next = (expression: string | null): Micros | null => {
    if (expression === null) return null;
    const at = nextTimeOf({ cron: expression, timeZone }, after);
    return at + jitterOf(sourceId, at, jitterSeconds);
  };
  return { nextAt: next(cron), nextFullAt: next(fullCron) };
}

/** A part of `jitterSeconds` that differs by source and time, and is the same on every instance. */
function jitterOf(sourceId: string, at: Micros, jitterSeconds: number): Micros {
  const drawn = hash('sha256', `${sourceId} ${at}`, 'buffer').readUInt32BE(0) / 2 ** 32;
  return Math.floor(drawn * jitterSeconds) * SECOND;
}

/** How long a source is left alone after it has failed so many times in a row: a minute, doubled each time to an hour. */
export function backOffOf(failures: number): Micros {
  return Math.min(MINUTE * 2 ** Math.min(failures - 1, 10), HOUR);
}

/** What a source is read for where nothing else is said: everything, unless that has times of its own, or who left is among the changes. */
export function usualScopeOf({ type, fullCron }: Pick<PullSchedule, 'fullCron'> & { type: string }): PullScope {
  return fullCron === null && type !== 'rollcall' ? 'full' : 'changes';
}

/** What falls due now; null for nothing. What falls due together is one pull. */
export function findDuePull(
  source: NextPulls & Pick<PullSchedule, 'fullCron'> & { type: string },
  now: Micros,
): PullScope | null {
  const { nextAt, nextFullAt } = source;
  if (nextFullAt !== null && nextFullAt <= now) return 'full';
  return nextAt !== null && nextAt <= now ? usualScopeOf(source) : null;
}
