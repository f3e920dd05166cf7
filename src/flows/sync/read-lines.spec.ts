import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Line, readLines } from '../../platform/lines.js';
import { readChunks, type StreamChunk } from './read-lines.js';

async function* inPieces(text: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < text.length; at += size) yield await Promise.resolve(text.subarray(at, at + size));
}

async function linesOf(text: string, size = Infinity, bytesMax = 100): Promise<Line[]> {
  const lines: Line[] = [];
  const source = inPieces(Buffer.from(text), Math.min(size, Buffer.byteLength(text) + 1));
  for await (const some of readLines(source, bytesMax)) lines.push(...some);
  return lines;
}

const told = (lines: readonly Line[]) => lines.map(({ number, text }) => [number, text?.toString() ?? null]);

describe('readLines', () => {
  it.each<[string, string, [number, string | null][]]>([
    ['nothing', '', []],
    [
      'lines',
      'a\nb\n',
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    [
      'a last line without its end',
      'a\nb',
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    [
      'empty lines, which are counted',
      '\n\na\n \n\r\n\t\nb\n\n',
      [
        [3, 'a'],
        [7, 'b'],
      ],
    ],
    [
      'CRLF and spaces around',
      ' a \r\n\tb\r\n',
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    [
      'a byte order mark at the start alone',
      '\ufeffa\n\ufeffb',
      [
        [1, 'a'],
        [2, '\ufeffb'],
      ],
    ],
    ['a byte order mark alone', '\ufeff\na', [[2, 'a']]],
    [
      'a line as long as may be',
      `${'x'.repeat(100)}\na`,
      [
        [1, 'x'.repeat(100)],
        [2, 'a'],
      ],
    ],
    [
      'a line that is longer',
      `a\n${'x'.repeat(101)}\nb`,
      [
        [1, 'a'],
        [2, null],
        [3, 'b'],
      ],
    ],
    [
      'a longer line at the end',
      `a\n${'x'.repeat(1000)}`,
      [
        [1, 'a'],
        [2, null],
      ],
    ],
  ])('reads %s, in pieces of any size', async (_, text, expected) => {
    for (const size of [1, 2, 7, Infinity]) expect(told(await linesOf(text, size))).toEqual(expected);
  });

  it('tells how long a line was that it did not keep', async () => {
    expect(await linesOf('x'.repeat(12_345), 100)).toEqual([{ number: 1, text: null, bytes: 12_345 }]);
  });
});

describe('readChunks', () => {
  const limits = { linesMax: 3, bytesMax: 40 };
  async function chunksOf(text: string, size: number): Promise<StreamChunk[]> {
    const chunks: StreamChunk[] = [];
    const lines = readLines(inPieces(Buffer.from(text), size), 100);
    for await (const chunk of readChunks(lines, limits)) chunks.push(chunk);
    return chunks;
  }

  it('cuts by number of lines and by bytes, one chunk after the other without a gap', async () => {
    const chunks = await chunksOf(`a\n\nb\nc\n\n${'d'.repeat(50)}\ne\nf\n\n`, 5);
    expect(chunks.map(({ from, to, numbers }) => [from, to, numbers])).toEqual([
      [1, 4, [1, 3, 4]],
      [5, 6, [6]],
      [7, 8, [7, 8]],
    ]);
  });

  it('cuts the same stream alike, however it arrives', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'é', '\n', '\n', ' ', 'xxxxxxxxxxxxxxxx'), maxLength: 60 });
    const size = fc.integer({ min: 1, max: 30 });
    await fc.assert(
      fc.asyncProperty(text, size, size, async (given, one, other) => {
        expect(await chunksOf(given, one)).toEqual(await chunksOf(given, other));
      }),
    );
  });

  it('tells two chunks apart by what stands on their lines, kept or not', async () => {
    const digestOf = async (text: string) => (await chunksOf(text, 10))[0]?.digest;
    const texts = ['a\nb', 'ab', 'a\nc', `a\n${'x'.repeat(101)}`, `a\n${'x'.repeat(102)}`];
    expect(new Set(await Promise.all(texts.map(digestOf))).size).toBe(texts.length);
    expect(await digestOf('a\r\n\r\nb')).toBe(await digestOf('a\nb\n'));
  });

  it('gives out no line after which the stream breaks off, unless its chunk is full', async () => {
    async function* broken(): AsyncGenerator<Buffer> {
      yield await Promise.resolve(Buffer.from('a\nb\nc\nd\n'));
      throw new Error('cut off');
    }
    const seen: number[][] = [];
    const reading = (async () => {
      for await (const { numbers } of readChunks(readLines(broken(), 100), limits)) seen.push(numbers);
    })();
    await expect(reading).rejects.toThrow('cut off');
    expect(seen).toEqual([[1, 2, 3]]);
  });
});
