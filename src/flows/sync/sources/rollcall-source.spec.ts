import { describe, expect, it } from '@jest/globals';
import type { OutboundAnswer } from '../../../platform/outbound-answer.js';
import { readAll } from '../../../../test/support/read-source.js';
import type { PrimaryClient } from './primary-client.js';
import { RollcallSource } from './rollcall-source.js';
import { FROM_THE_START, SourceFailure, type SourcePage } from './source-reader.js';

const PEOPLE = 1200;
const statedAt = '2026-11-22T10:00:00Z';
const lines = Array.from({ length: PEOPLE }, (_, n) => JSON.stringify({ externalId: `u-${n}`, statedAt }));

/** A primary whose export ends after so many bytes. */
function primaryOf(endIsCertain: boolean, bytesMax = Infinity, position = 7) {
  const asked: (string | null)[] = [];
  const feeds: number[] = [];
  const openExport = (after: string | null): Promise<Partial<OutboundAnswer>> => {
    asked.push(after);
    const from = after === null ? 0 : Number(after.split('-').at(-1)) + 1;
    const text = [JSON.stringify({ position }), ...lines.slice(from)].map((line) => `${line}\n`).join('');
    async function* body(): AsyncGenerator<Buffer> {
      yield Buffer.from(text).subarray(0, bytesMax);
    }
    return Promise.resolve({ body: body(), endIsCertain });
  };
  const readFeed = (after: number) => {
    feeds.push(after);
    return Promise.resolve({ changes: [], position, head: position });
  };
  const unfit = () => new SourceFailure('invalid', 'unfit');
  return { source: new RollcallSource({ openExport, readFeed, unfit } as unknown as PrimaryClient), asked, feeds };
}

const lengthOf = (count: number) => [JSON.stringify({ position: 7 }), ...lines.slice(0, count)].join('\n').length + 1;

async function readUntilFailure(source: RollcallSource): Promise<{ pages: SourcePage[]; failure: unknown }> {
  const pages: SourcePage[] = [];
  try {
    for await (const page of source.read(FROM_THE_START, 'full', new AbortController().signal)) pages.push(page);
  } catch (failure) {
    return { pages, failure };
  }
  return { pages, failure: null };
}

describe('the export of a primary', () => {
  it.each([
    ['that came whole, which cannot be told', Infinity, 2],
    ['that was cut between two records', lengthOf(700), 1],
    ['that was cut in a record', lengthOf(700) + 9, 1],
    ['that was cut in the last record of a page', lengthOf(500) - 9, 0],
    ['that was cut before its head', 0, 0],
  ])('%s, is unreachable where its end is uncertain, and is gone on with behind what came', async (_, bytes, pages) => {
    const cut = primaryOf(false, bytes);
    const read = await readUntilFailure(cut.source);
    expect(read.failure).toMatchObject({ kind: 'unreachable' });
    expect(read.pages.map(({ isLast }) => isLast)).toEqual(Array.from({ length: pages }, () => false));
    const place = read.pages.at(-1)?.place ?? FROM_THE_START;
    const whole = primaryOf(true, Infinity, 9);
    const rest = await readAll(whole.source, 'full', place);
    expect(whole.asked).toEqual([pages === 0 ? null : `${statedAt},u-${pages * 500 - 1}`]);
    const named = [
      ...read.pages.flatMap(({ records }) => records.map(String)),
      ...rest.records.map((one) => JSON.stringify(one)),
    ];
    expect(named).toEqual(lines);
    // Whoever changed after the first of the two exports may have stood in what came of it.
    expect(whole.feeds).toEqual([pages === 0 ? 9 : 7]);
  });

  it('is read whenever everybody is asked for, whatever is known of changes', async () => {
    const { records } = await readAll(primaryOf(true).source, 'full', { state: { position: 7 }, page: null });
    expect(records).toHaveLength(PEOPLE);
  });
});

describe('the change feed of a primary', () => {
  const CHANGES = 1700;
  /** Each change is of another user; every hundredth is gone. */
  function primaryWith(over: Partial<PrimaryClient> = {}): RollcallSource {
    const readFeed = (after: number, limit: number) => {
      const position = Math.min(after + limit, CHANGES);
      const numbers = Array.from({ length: position - after }, (_, n) => after + n + 1);
      return Promise.resolve({
        changes: numbers.map((number) => ({ number, userId: `u-${number}` })),
        position,
        head: CHANGES,
      });
    };
    const findRecords = (ids: readonly string[]) =>
      Promise.resolve({
        records: ids
          .filter((id) => !id.endsWith('00'))
          .map((externalId) => Buffer.from(JSON.stringify({ externalId }))),
        missing: ids.filter((id) => id.endsWith('00')),
      });
    const unfit = () => new SourceFailure('invalid', 'unfit');
    return new RollcallSource({ readFeed, findRecords, unfit, ...over } as unknown as PrimaryClient);
  }
  const namesIn = ({ records, removed = [] }: SourcePage) => [
    ...records.map((text) => (JSON.parse(String(text)) as { externalId: string }).externalId),
    ...removed,
  ];

  it('cut off behind any page is gone on with there, and nobody is left out', async () => {
    const state = { position: 0 };
    const { pages } = await readAll(primaryWith(), 'changes', { state, page: null });
    expect(pages.length).toBeGreaterThan(4);
    for (const [index, { place, isLast }] of pages.entries()) {
      const before = pages.slice(0, index + 1);
      const rest = isLast ? [] : (await readAll(primaryWith(), 'changes', place)).pages;
      expect(new Set([...before, ...rest].flatMap(namesIn)).size).toBe(CHANGES);
    }
    expect(pages.at(-1)?.place).toEqual({ state: { position: CHANGES }, page: null });
  });

  it('that goes backwards is given up', async () => {
    const readFeed = (after: number) => Promise.resolve({ changes: [], position: after - 1, head: CHANGES });
    const reading = readAll(primaryWith({ readFeed }), 'changes', { state: { position: 5 }, page: null });
    await expect(reading).rejects.toMatchObject({ kind: 'invalid' });
  });

  it('leaves it known since when the copy differs, which a reading of everybody does not', async () => {
    const known = { position: 3, differsSince: 9 };
    const { last } = await readAll(primaryWith(), 'changes', { state: known, page: null });
    expect(last.place.state).toEqual({ position: CHANGES, differsSince: 9 });
    const everybody = await readAll(primaryWith(), 'full', { state: known, page: { position: 3, after: null } });
    expect(everybody.last.place.state).toEqual({ position: CHANGES });
  });
});
