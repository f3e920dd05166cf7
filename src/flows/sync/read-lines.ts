import { hash } from 'node:crypto';
import type { Line } from '../../platform/lines.js';
import type { SourcePlace } from './sources/source-reader.js';
import type { SentRecord } from './sync-request.js';

/** Where a source is read on, and by which version of its settings. */
export interface PullPlace extends SourcePlace {
  version: number;
  /** Nothing follows; null while something may. */
  ended: ReadingEnd | null;
  /** How long the source had been waited for by then. */
  waitedMs?: number;
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
