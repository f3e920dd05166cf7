import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PullReading } from './pull-chunks.js';
import type { StreamChunk } from './read-lines.js';
import type { SourcePage } from './sources/source-reader.js';

const BEGIN = { version: 3, state: 's', page: null, ended: null };

async function* pagesOf(sizes: readonly number[], failsAfter = Infinity): AsyncGenerator<SourcePage> {
  for (const [index, size] of sizes.entries()) {
    if (index >= failsAfter) throw new Error('cut off');
    const records = Array.from({ length: size }, (_, n) => Buffer.from(`"${index}-${n}"`));
    const isLast = index === sizes.length - 1;
    yield { records, isLast, place: { state: 's', page: isLast ? null : index + 1 } };
  }
}

async function cutAll(reading: PullReading, pages: AsyncIterable<SourcePage>): Promise<StreamChunk[]> {
  const chunks: StreamChunk[] = [];
  try {
    for await (const chunk of reading.cut(pages)) chunks.push(chunk);
  } catch (error) {
    expect(error).toEqual(new Error('cut off'));
  }
  return chunks;
}

const limits = { recordsMax: 10, bytesMax: 1000 };
const sizesOf = (chunks: readonly StreamChunk[]) => chunks.map(({ records }) => records.length);

describe('pages of a source as chunks', () => {
  it('small pages go together as long as they fit whole, a large one is cut, its parts before the last without a place', async () => {
    const chunks = await cutAll(new PullReading(BEGIN, 40, limits), pagesOf([4, 4, 4, 25, 0, 1]));
    expect(sizesOf(chunks)).toEqual([8, 4, 10, 10, 6]);
    expect(chunks.map(({ from, to }) => [from, to])).toEqual([
      [41, 48],
      [49, 52],
      [53, 62],
      [63, 72],
      [73, 78],
    ]);
    expect(chunks.map(({ place }) => place)).toEqual([
      { version: 3, state: 's', page: 2, ended: null },
      { version: 3, state: 's', page: 3, ended: null },
      null,
      null,
      { version: 3, state: 's', page: null, ended: { incomplete: null } },
    ]);
  });

  it('a page of many bytes is cut by them', async () => {
    const big = { records: [600, 600, 10].map((bytes) => Buffer.alloc(bytes)), isLast: true, place: BEGIN };
    async function* pages() {
      yield big;
    }
    expect(sizesOf(await cutAll(new PullReading(BEGIN, 0, limits), pages()))).toEqual([2, 1]);
  });

  it('a source that fails leaves nothing behind that was read: reading goes on at the page that did not come', async () => {
    const reading = new PullReading(BEGIN, 0, limits);
    const chunks = await cutAll(reading, pagesOf([4, 4, 4, 4], 3));
    expect(sizesOf(chunks)).toEqual([8, 4]);
    expect([reading.place.page, reading.ended]).toEqual([3, null]);
  });

  it('however pages fall, all records come once, in order, numbered without a gap, and a place is never ahead of them, nor says too soon that nothing is left', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(35), { minLength: 1, maxLength: 12 }), fc.nat(15), async (sizes, failsAfter) => {
        const reading = new PullReading(BEGIN, 0, limits);
        const chunks = await cutAll(reading, pagesOf(sizes, failsAfter));
        const read = sizes.slice(0, failsAfter);
        const sent = read.flatMap((size, index) => Array.from({ length: size }, (_, n) => `"${index}-${n}"`));
        expect(chunks.flatMap(({ records }) => records.map(({ text }) => String(text)))).toEqual(sent);
        expect(chunks.flatMap(({ numbers }) => numbers)).toEqual(sent.map((_, index) => index + 1));
        expect(sizesOf(chunks).every((size) => size > 0 && size <= 10)).toBe(true);
        for (const { to, place } of chunks) {
          if (!place) continue;
          const pages = (place.page as number | null) ?? read.length;
          expect(to).toBe(read.slice(0, pages).reduce((sum, size) => sum + size, 0));
          expect(place.ended).toEqual(place.page === null ? { incomplete: null } : null);
        }
        expect(reading.ended !== null).toBe(failsAfter >= sizes.length);
      }),
    );
  });
});
