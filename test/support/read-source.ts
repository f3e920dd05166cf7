import { isUtf8 } from 'node:buffer';
import { Outbound, OutboundOptions } from '../../src/platform/outbound.js';
import {
  FROM_THE_START,
  SourceFailure,
  type SourcePage,
  type SourcePlace,
  type SourceReader,
} from '../../src/flows/sync/sources/source-reader.js';

export const loopbackOutbound = () => new Outbound(new OutboundOptions({ allowLoopbackHttp: true }));

export interface SourceRead {
  pages: SourcePage[];
  /** Each record read as JSON; the text where it is none, null where it was too long. */
  records: unknown[];
  last: SourcePage;
}

/** Reads a source to its end. Every place goes through JSON, as it does where it is kept. */
export async function readAll(
  reader: SourceReader,
  mode: 'full' | 'changes' = 'full',
  place: SourcePlace = FROM_THE_START,
): Promise<SourceRead> {
  const pages: SourcePage[] = [];
  for await (const page of reader.read(place, mode, new AbortController().signal)) {
    pages.push({ ...page, place: JSON.parse(JSON.stringify(page.place)) as SourcePlace });
  }
  const last = pages.at(-1);
  if (!last?.isLast) throw new Error('The reading has no last page.');
  return { pages, records: pages.flatMap(({ records }) => records.map(readRecord)), last };
}

/** What a reading that fails is refused for. */
export async function failureOf(reader: SourceReader, mode: 'full' | 'changes' = 'full'): Promise<SourceFailure> {
  try {
    await readAll(reader, mode);
  } catch (error) {
    if (error instanceof SourceFailure) return error;
    throw error;
  }
  throw new Error('The source could be read.');
}

function readRecord(text: Buffer | null): unknown {
  if (text === null) return null;
  if (!isUtf8(text)) return text.toString('latin1');
  try {
    return JSON.parse(text.toString('utf8'));
  } catch {
    return text.toString('latin1');
  }
}
