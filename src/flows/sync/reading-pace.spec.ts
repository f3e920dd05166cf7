import { describe, expect, it } from '@jest/globals';
import { ReadingPace } from './reading-pace.js';
import type { SourcePage } from './sources/source-reader.js';

const MINUTE_MS = 60_000;

/** Reads pages that come so many minutes apart and are written for others; whether it was found too slow, and when. */
async function readAt(apart: number, people: number, pages: number, written = 0): Promise<number | null> {
  let minute = 0;
  const pace = new ReadingPace(undefined, () => minute * MINUTE_MS);
  let cutAt: number | null = null;
  const pass = (minutes: number): void => {
    for (let n = 0; n < minutes && cutAt === null; n++) {
      minute += 1;
      try {
        pace.check();
      } catch {
        cutAt = minute;
      }
    }
  };
  async function* source(): AsyncGenerator<SourcePage> {
    for (let page = 0; page < pages; page++) {
      pass(apart);
      const records = Array.from({ length: people }, () => null);
      yield { records, place: { state: null, page }, isLast: page === pages - 1 };
    }
  }
  for await (const { isLast } of pace.measure(source())) {
    if (cutAt !== null || isLast) break;
    pass(written);
  }
  return cutAt;
}

/** Nothing comes. */
async function* stuck(): AsyncGenerator<SourcePage> {
  await new Promise(() => undefined);
  yield { records: [], place: { state: null, page: null }, isLast: true };
}

describe('the pace of a source', () => {
  it.each([
    ['a page of nobody a minute', 1, 0, 1000],
    ['a person every two minutes', 2, 1, 1000],
    ['nothing at all', 61, 1000, 1],
  ])('that gives %s is too slow after an hour', async (_, apart, people, pages) => {
    expect(await readAt(apart, people, pages)).toBe(60);
  });

  it('that gives much at first and then nothing is too slow in the second hour', async () => {
    let minute = 0;
    const pace = new ReadingPace(undefined, () => minute * MINUTE_MS);
    async function* source(): AsyncGenerator<SourcePage> {
      yield { records: Array.from({ length: 5000 }, () => null), place: { state: null, page: 1 }, isLast: false };
      await new Promise(() => undefined);
    }
    const pages = pace.measure(source());
    await pages.next();
    void pages.next();
    for (minute = 1; minute < 120; minute++) expect(() => pace.check()).not.toThrow();
    expect(() => pace.check()).toThrow('The source is too slow: it gave fewer than 100 people in 60 minutes.');
  });

  it('that gives enough each hour, and has no end, is given up after a day, whoever read it before', async () => {
    expect(await readAt(10, 100, 1000)).toBe(24 * 60 + 1);
    let minute = 0;
    const nowMs = () => minute * MINUTE_MS;
    const before = new ReadingPace(undefined, nowMs, 23 * 60 * MINUTE_MS);
    void before.measure(stuck()).next();
    for (minute = 1; minute < 60; minute++) expect(() => before.check()).not.toThrow();
    const after = new ReadingPace(undefined, nowMs, before.totalWaitedMs);
    void after.measure(stuck()).next();
    minute += 1;
    expect(() => after.check()).not.toThrow();
    minute += 1;
    expect(() => after.check()).toThrow('The source has not come to its end in 24 hours of waiting for it.');
  });

  it.each([
    ['is slow but steady', 5, 20, 100, 0],
    ['has few people and ends', 20, 1, 2, 0],
    ['is quick while its people are written slowly', 1, 10, 20, 100],
  ])('that %s is waited for', async (_, apart, people, pages, written) => {
    expect(await readAt(apart, people, pages, written)).toBeNull();
  });
});
