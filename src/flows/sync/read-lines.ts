import { hash } from 'node:crypto';
import type { SourcePlace } from './sources/source-reader.js';
import type { SentRecord } from './sync-request.js';

const [TAB, LINE_FEED, RETURN, SPACE] = [9, 10, 13, 32];
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** A line with something on it, without the space around. */
export interface Line {
  /** From 1; empty lines count. */
  number: number;
  /** Null where it was too long to be kept. */
  text: Buffer | null;
  bytes: number;
}

/**
 * Cuts a stream at its line feeds; what is left at its end is a line too. Holds one line of at most `bytesMax` beside
 * what it was handed: the bytes of a longer one are counted and dropped.
 */
export async function* readLines(source: AsyncIterable<Buffer>, bytesMax: number): AsyncGenerator<Line[]> {
  let number = 0;
  let kept: Buffer[] = [];
  let bytes = 0;
  const add = (piece: Buffer): void => {
    bytes += piece.length;
    if (bytes > bytesMax) kept = [];
    else if (piece.length > 0) kept.push(piece);
  };
  const endLine = (lines: Line[]): void => {
    number += 1;
    const whole = kept.length === 1 && kept[0] ? kept[0] : Buffer.concat(kept);
    const text = bytes > bytesMax ? null : trim(number === 1 ? withoutMark(whole) : whole);
    if (text === null || text.length > 0) lines.push({ number, text, bytes });
    kept = [];
    bytes = 0;
  };
  for await (const piece of source) {
    const lines: Line[] = [];
    let from = 0;
    for (let end = piece.indexOf(LINE_FEED); end >= 0; end = piece.indexOf(LINE_FEED, from)) {
      add(piece.subarray(from, end));
      endLine(lines);
      from = end + 1;
      // Millions of empty lines cost their sender nothing.
      for (; piece[from] === LINE_FEED; from++) number += 1;
    }
    add(piece.subarray(from));
    if (lines.length > 0) yield lines;
  }
  const last: Line[] = [];
  if (bytes > 0) endLine(last);
  if (last.length > 0) yield last;
}

function withoutMark(text: Buffer): Buffer {
  return text.subarray(0, 3).equals(BYTE_ORDER_MARK) ? text.subarray(3) : text;
}

function trim(text: Buffer): Buffer {
  let [start, end] = [0, text.length];
  while (start < end && isSpace(text[start])) start++;
  while (end > start && isSpace(text[end - 1])) end--;
  return text.subarray(start, end);
}

function isSpace(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB || byte === RETURN;
}

/** Where a source is read on, and by which version of its settings. */
export interface PullPlace extends SourcePlace {
  version: number;
  /** Nothing follows; null while something may. */
  ended: ReadingEnd | null;
}

export interface ReadingEnd {
  /** Why not everybody was named, though all was to be read. */
  incomplete: string | null;
}

/** Lines that are committed together. */
export interface StreamChunk {
  /** One after the last line of the chunk before: chunks follow one another without a gap. */
  from: number;
  to: number;
  records: SentRecord[];
  /** The number of each record's line. */
  numbers: number[];
  /** Of the lines' texts. */
  digest: string;
  /** Of a pull: where to go on after it; null within a page of the source. */
  place?: PullPlace | null;
}

/**
 * Gathers lines to chunks of at most `linesMax` lines and about `bytesMax` bytes. Where a chunk ends follows from the
 * lines alone, never from how they arrived: the same stream sent again has the same chunks. Lines that were not
 * followed by the end of the stream, but by its breaking off, belong to none.
 */
export async function* readChunks(
  batches: AsyncIterable<readonly Line[]>,
  { linesMax, bytesMax }: { linesMax: number; bytesMax: number },
): AsyncGenerator<StreamChunk> {
  let lines: Line[] = [];
  let bytes = 0;
  let from = 1;
  const cut = (): StreamChunk => {
    const chunk = toChunk(from, lines);
    [lines, bytes, from] = [[], 0, chunk.to + 1];
    return chunk;
  };
  for await (const batch of batches) {
    for (const line of batch) {
      lines.push(line);
      bytes += line.text?.length ?? 0;
      if (lines.length >= linesMax || bytes >= bytesMax) yield cut();
    }
  }
  if (lines.length > 0) yield cut();
}

function toChunk(from: number, lines: readonly Line[]): StreamChunk {
  const texts = lines.map(({ text, bytes }) => text ?? Buffer.from(`too long: ${bytes}`));
  return {
    from,
    to: lines.at(-1)?.number ?? from,
    records: lines.map(({ text }) => ({ text, input: undefined, line: text ? 'kept' : 'tooLong' })),
    numbers: lines.map(({ number }) => number),
    digest: hash('sha256', Buffer.concat(texts.flatMap((text) => [text, NEXT])), 'base64url'),
  };
}

const NEXT = Buffer.from('\n');

/** The digest of all chunks up to and with this one. */
export function chainDigest(before: string, { digest }: Pick<StreamChunk, 'digest'>): string {
  return hash('sha256', `${before} ${digest}`, 'base64url');
}
