import { isUtf8 } from 'node:buffer';
import { readPointer, stepsOf } from '../../../platform/json-pointer.js';
import { type Line, readLines } from '../../../platform/lines.js';
import type { OutboundAnswer } from '../../../platform/outbound-answer.js';
import type { DocumentSourceSettings } from '../../../records/sources/source-settings.js';
import { CutFault, JsonCutter } from './cut-json.js';
import { mapItem } from './map-item.js';
import { findNextLink } from './next-link.js';
import type { SourceClient } from './source-client.js';
import { RECORD_BYTES_MAX, SourceFailure } from './source-reader.js';
import { writeRecord } from './write-record.js';

const RECORDS_PER_PIECE = 500;
const BYTES_PER_PIECE = 4 * 1024 * 1024;
const ANGLE_BRACKET = '<'.charCodeAt(0);

/** A line or an item; null where it was too long to be kept. */
type Numbered = Pick<Line, 'number' | 'text'>;

/** Some people of a page. */
export interface Piece {
  records: (Buffer | null)[];
  /** How many lines of the page are read with it. */
  lines: number;
}

/** A page of a document of people, whose head has come. */
export interface DocumentPage {
  headers: Readonly<Record<string, string>>;
  pieces: AsyncIterable<Piece>;
  /** The address of the page after it, once all pieces are read; null where it is the last. */
  findNext(): string | null;
  /** Why it may not be whole. */
  incomplete: string | null;
}

export interface PageAround {
  client: SourceClient;
  url: string;
  /** How many of its lines, or items, were read before. */
  skip: number;
}

/** A list in a JSON document, item by item as it comes. Reading it throws SourceFailure where it is not there. */
export function readJsonPage(
  answer: OutboundAnswer,
  settings: DocumentSourceSettings,
  { client, url, skip }: PageAround,
): DocumentPage {
  const cutter = new JsonCutter(stepsOf(settings.items), RECORD_BYTES_MAX);
  let around: unknown = null;
  const pieces = async function* (): AsyncGenerator<Piece> {
    yield* gather(cutItems(answer.body, cutter), settings.fields, skip);
    around = cutter.end();
  };
  const findNext = (): string | null => findNextPage(around, answer.headers.link, settings, { client, url });
  return { headers: answer.headers, pieces: explained(pieces(), client.host), findNext, incomplete: null };
}

function findNextPage(
  around: unknown,
  header: string | undefined,
  { next, nextParameter }: DocumentSourceSettings,
  { client, url }: Pick<PageAround, 'client' | 'url'>,
): string | null {
  if (next === null) {
    const link = findNextLink(header);
    return link === null ? null : client.follow(link, url);
  }
  const found = readPointer(around, next);
  if (found === undefined || found === null || found === '' || found === false) return null;
  if (nextParameter === null && typeof found === 'string') return client.follow(found, url);
  if (nextParameter !== null && (typeof found === 'string' || typeof found === 'number')) {
    const following = new URL(url);
    following.searchParams.set(nextParameter, String(found));
    return following.href;
  }
  throw new SourceFailure('invalid', `What is at ${next} does not lead to a page.`);
}

async function* explained(pieces: AsyncIterable<Piece>, host: string): AsyncGenerator<Piece> {
  try {
    yield* pieces;
  } catch (error) {
    if (!(error instanceof CutFault)) throw error;
    throw new SourceFailure('invalid', `What ${host} answered ${error.message}`, { cause: error });
  }
}

async function* cutItems(body: AsyncIterable<Buffer>, cutter: JsonCutter): AsyncGenerator<Numbered[]> {
  let number = 0;
  for await (const piece of body) yield cutter.push(piece).map((text) => ({ number: ++number, text }));
}

/** A record a line. What cannot be read of a line is handed on as it is, to be refused by its number. */
export function readLinesPage(
  answer: OutboundAnswer,
  { fields }: DocumentSourceSettings,
  { client, url, skip }: PageAround,
): DocumentPage {
  const findNext = (): string | null => {
    const link = findNextLink(answer.headers.link);
    return link === null ? null : client.follow(link, url);
  };
  return {
    headers: answer.headers,
    pieces: gather(assertLines(readLines(answer.body, RECORD_BYTES_MAX)), fields, skip),
    findNext,
    incomplete: answer.endIsCertain
      ? null
      : 'The answer has neither a length nor chunks: whether all of it came cannot be told.',
  };
}

/** A web page that says it is something else. */
async function* assertLines(batches: AsyncIterable<Line[]>): AsyncGenerator<Line[]> {
  let isFirst = true;
  for await (const lines of batches) {
    if (isFirst && lines[0]?.text?.[0] === ANGLE_BRACKET) {
      throw new SourceFailure('invalid', 'It answered a page of markup instead of JSON lines.');
    }
    isFirst = false;
    yield lines;
  }
}

async function* gather(
  batches: AsyncIterable<readonly Numbered[]>,
  fields: DocumentSourceSettings['fields'],
  skip: number,
): AsyncGenerator<Piece> {
  let piece: Piece = { records: [], lines: skip };
  let bytes = 0;
  for await (const batch of batches) {
    for (const { number, text } of batch) {
      if (number <= skip) continue;
      const record = mapText(text, fields);
      piece.records.push(record);
      piece.lines = number;
      bytes += Math.max(text?.length ?? 0, record?.length ?? 0);
      if (piece.records.length < RECORDS_PER_PIECE && bytes < BYTES_PER_PIECE) continue;
      yield piece;
      [piece, bytes] = [{ records: [], lines: number }, 0];
    }
  }
  if (piece.records.length > 0) yield piece;
}

/** What cannot be read of it, or is nested too deep to be written again, is handed on as it is: no reader takes it. */
function mapText(text: Buffer | null, fields: DocumentSourceSettings['fields']): Buffer | null {
  if (text === null || fields === null || !isUtf8(text)) return text;
  try {
    const record = mapItem(JSON.parse(text.toString('utf8')), fields);
    return record && writeRecord(record);
  } catch {
    return text;
  }
}
