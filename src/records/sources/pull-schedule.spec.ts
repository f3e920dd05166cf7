import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatTime, HOUR, MINUTE, parseTime, SECOND, type Micros } from '../../platform/clock.js';
import { backOffOf, findCronFault, findDuePull, findTimeZoneFault, nextPullsOf, nextTimeOf } from './pull-schedule.js';

const at = (text: string): Micros => parseTime(text) ?? Number.NaN;

function timesOf(cron: string, timeZone: string, from: string, count: number): string[] {
  const times: string[] = [];
  for (let last = at(from); times.length < count;) {
    last = nextTimeOf({ cron, timeZone }, last);
    times.push(formatTime(last).slice(5, 16));
  }
  return times;
}

describe('the next time of a cron expression', () => {
  it.each([
    ['30 2 * * *', 'UTC', '2026-11-22T02:29:59.999Z', ['11-22T02:30', '11-23T02:30']],
    ['30 2 * * *', 'UTC', '2026-11-22T02:30:00Z', ['11-23T02:30']],
    ['0 9 * * 1-5', 'America/New_York', '2026-11-20T15:00:00Z', ['11-23T14:00', '11-24T14:00']],
    ['0 0 29 2 *', 'UTC', '2026-11-22T00:00:00Z', ['02-29T00:00']],
    ['0 0 1 jan *', 'Asia/Kolkata', '2026-11-22T00:00:00Z', ['12-31T18:30']],
  ])('`%s` in %s after %s', (cron, timeZone, from, expected) => {
    expect(timesOf(cron, timeZone, from, expected.length)).toEqual(expected);
  });

  it.each([
    ['30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', ['10-25T00:30', '10-26T01:30']],
    ['30 3 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', ['10-25T02:30', '10-26T02:30']],
    ['0,30 1 * * *', 'America/New_York', '2026-11-01T00:00:00Z', ['11-01T05:00', '11-01T05:30', '11-02T06:00']],
    ['45 1 * * *', 'Australia/Lord_Howe', '2026-04-04T00:00:00Z', ['04-04T14:45', '04-05T15:15']],
  ])('`%s` in %s comes once where clocks are put back', (cron, timeZone, from, expected) => {
    expect(timesOf(cron, timeZone, from, expected.length)).toEqual(expected);
  });

  it.each([
    ['30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', ['03-29T01:00', '03-30T00:30']],
    ['0,30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', ['03-29T01:00', '03-30T00:00', '03-30T00:30']],
    ['30 2 * * *', 'Australia/Sydney', '2026-10-03T00:00:00Z', ['10-03T16:00', '10-04T15:30']],
    ['15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T00:00:00Z', ['10-03T15:30', '10-04T15:15']],
    ['0 12 * * *', 'Pacific/Apia', '2011-12-29T00:00:00Z', ['12-29T22:00', '12-30T10:00', '12-30T22:00']],
  ])('`%s` in %s is not lost where clocks leave it out', (cron, timeZone, from, expected) => {
    expect(timesOf(cron, timeZone, from, expected.length)).toEqual(expected);
  });

  it.each([
    ['Europe/Berlin', '2026-10-24T23:45:00Z', ['10-25T00:30', '10-25T01:30', '10-25T02:30']],
    ['Europe/Berlin', '2026-03-29T00:00:00Z', ['03-29T00:30', '03-29T01:30', '03-29T02:30']],
  ])('`30 * * * *` in %s is an hour apart whatever clocks do', (timeZone, from, expected) => {
    expect(timesOf('30 * * * *', timeZone, from, expected.length)).toEqual(expected);
  });

  const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'America/St_Johns', 'Africa/Cairo'];
  const expressions = fc
    .tuple(
      fc.constantFrom('*', '0', '*/20', '7,41'),
      fc.constantFrom('*', '0', '1', '2', '*/3', '1-3', '23'),
      fc.constantFrom('*', '*', '25', '1,29'),
      fc.constantFrom('*', '*', '1-5', 'sun'),
    )
    .map(([minute, hour, day, weekday]) => `${minute} ${hour} ${day} * ${weekday}`);

  it('is what looking at the clock each minute finds', () => {
    const days = fc.integer({ min: at('2026-01-01T00:00:00Z') / MINUTE, max: at('2027-12-01T00:00:00Z') / MINUTE });
    // Half of all beginnings lie beside a change of clocks.
    const changes = fc.constantFrom('2026-03-29T00:00:00Z', '2026-10-25T00:00:00Z', '2026-11-01T04:00:00Z');
    const beside = fc.tuple(changes, fc.integer({ min: -600, max: 240 })).map(([text, by]) => at(text) / MINUTE + by);
    fc.assert(
      fc.property(expressions, fc.constantFrom(...zones), fc.oneof(days, beside), (cron, timeZone, minute) => {
        const after = minute * MINUTE;
        const found = nextTimeOf({ cron, timeZone }, after);
        expect(formatTime(found)).toBe(formatTime(searchByMinutes(cron, timeZone, after, found + HOUR)));
      }),
      { numRuns: 150 },
    );
  }, 120_000);
});

/** The slow way: look at each minute's clock, and at what the clock has left out since the minute before. */
function searchByMinutes(cron: string, timeZone: string, after: Micros, until: Micros): Micros {
  const [minutes = '', hours = '', days = '', , weekdays = ''] = cron.split(' ');
  const format = new Intl.DateTimeFormat('sv', { timeZone, dateStyle: 'short', timeStyle: 'short' });
  const wallAt = (moment: Micros): number => Date.parse(`${format.format(moment / 1000).replace(' ', 'T')}Z`) / 60_000;
  const matches = (wall: number): boolean => {
    const date = new Date(wall * 60_000);
    const [isDay, isWeekday] = [fits(days, date.getUTCDate()), fits(weekdays.replace('sun', '0'), date.getUTCDay())];
    const isDate = days !== '*' && weekdays !== '*' ? isDay || isWeekday : isDay && isWeekday;
    return isDate && fits(hours, date.getUTCHours()) && fits(minutes, date.getUTCMinutes());
  };
  let highest = Math.max(...Array.from({ length: 181 }, (_, ago) => wallAt(after - ago * MINUTE)));
  for (let moment = after + MINUTE; moment <= until; moment += MINUTE) {
    const wall = wallAt(moment);
    const isNew = wall > highest;
    if ((hours === '*' || isNew) && matches(wall)) return moment;
    for (let left = highest + 1; hours !== '*' && left < wall; left++) if (matches(left)) return moment;
    highest = Math.max(highest, wall);
  }
  return Number.NaN;
}

function fits(field: string, value: number): boolean {
  return field.split(',').some((part) => {
    const [range = '', step = '1'] = part.split('/');
    if (range === '*') return value % Number(step) === 0;
    const [low, high = low] = range.split('-').map(Number);
    return value >= (low ?? 0) && value <= (high ?? 0);
  });
}

describe('what an admin writes', () => {
  it.each(['30 2 * * *', '*/5 * * * *', '0 0 1 jan,jul *', '0 6 * * mon-fri'])('`%s` is a schedule', (cron) => {
    expect(findCronFault(cron, at('2026-11-22T00:00:00Z'))).toBeNull();
  });

  it.each(['', '* * * * * *', '0 0 30 2 *', '60 * * * *', '0 0 L * *', '@daily', 'a b c d e', '*/0 * * * *'])(
    '`%s` is none',
    (cron) => {
      expect(findCronFault(cron, at('2026-11-22T00:00:00Z'))).toEqual(expect.any(String));
    },
  );

  it('a time zone that does not exist is told', () => {
    expect([findTimeZoneFault('Europe/Berlin'), findTimeZoneFault('UTC')]).toEqual([null, null]);
    expect([findTimeZoneFault('Mars/Olympus'), findTimeZoneFault('')]).toEqual([
      expect.any(String),
      expect.any(String),
    ]);
  });
});

describe('the pulls of a source', () => {
  const schedule = { cron: '0 * * * *', fullCron: '0 3 * * *', timeZone: 'UTC', jitterSeconds: 0 };
  const scim = { ...schedule, type: 'scim' };
  const noon = at('2026-11-22T12:00:00Z');

  it('what was missed for days is caught up by one', () => {
    const { nextAt, nextFullAt } = nextPullsOf('a', schedule, at('2026-11-10T00:00:00Z'));
    expect(findDuePull({ ...scim, nextAt, nextFullAt }, noon)).toBe('full');
    const next = nextPullsOf('a', schedule, noon);
    expect(findDuePull({ ...scim, ...next }, noon)).toBeNull();
    expect([next.nextAt, next.nextFullAt].map((each) => formatTime(each ?? 0))).toEqual([
      '2026-11-22T13:00:00.000Z',
      '2026-11-23T03:00:00.000Z',
    ]);
  });

  it('is of what changed where everything has times of its own, else of everything', () => {
    const source = { type: 'scim', fullCron: '0 3 * * *' };
    expect(findDuePull({ ...source, nextAt: noon, nextFullAt: noon }, noon)).toBe('full');
    expect(findDuePull({ ...source, nextAt: noon, nextFullAt: noon + HOUR }, noon)).toBe('changes');
    expect(findDuePull({ ...source, fullCron: null, nextAt: noon, nextFullAt: null }, noon)).toBe('full');
    expect(findDuePull({ ...source, nextAt: noon + 1, nextFullAt: null }, noon)).toBeNull();
    expect(findDuePull({ ...source, nextAt: null, nextFullAt: null }, noon)).toBeNull();
  });

  it('of another Rollcall is of what changed, which tells who left too', () => {
    const source = { type: 'rollcall', fullCron: null, nextFullAt: null };
    expect(findDuePull({ ...source, nextAt: noon }, noon)).toBe('changes');
  });

  it('begins late by a jitter that is the same on every instance, below its limit, and another for another source', () => {
    const late = (id: string, from = noon) =>
      ((nextPullsOf(id, { ...schedule, jitterSeconds: 600 }, from).nextAt ?? 0) - at('2026-11-22T13:00:00Z')) / SECOND;
    const lates = Array.from({ length: 200 }, (_, n) => late(`source-${n}`));
    expect(lates.every((seconds) => seconds >= 0 && seconds < 600)).toBe(true);
    expect(new Set(lates).size).toBeGreaterThan(100);
    expect(late('a')).toBe(late('a', noon + MINUTE));
  });

  it('is not before the back-off is over, which doubles up to an hour', () => {
    expect([1, 2, 3, 6, 7, 5000].map((failures) => backOffOf(failures) / MINUTE)).toEqual([1, 2, 4, 32, 60, 60]);
  });
});
