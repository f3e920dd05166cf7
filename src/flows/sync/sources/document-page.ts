import { isUtf8 } from 'node:buffer';
import { readPointer } from '../../../platform/json-pointer.js';
import { type Line, readLines } from '../../../platform/lines.js';
import type { OutboundAnswer } from '../../../platform/outbound-answer.js';
import type { DocumentSourceSettings } from '../../../records/sources/source-settings.js';
import { mapItem } from './map-item.js';
import { findNextLink } from './next-link.js';
import type { JsonPage, SourceClient } from './source-client.js';
import { SourceFailure } from './source-reader.js';

const RECORDS_PER_PIECE = 500;
const BYTES_PER_PIECE = 4 * 1024 * 1024;
const LINE_BYTES_MAX = 64 * 1024;
const ANGLE_BRACKET = '<'.charCodeAt(0);

/** Some people of a page. */
export interface Piece {
  records: (Buffer | null)[];
  /** How many lines of the page are read with it. */
  lines: number;
}

/** A page of a document of people, whose head has come. */
export interface DocumentPage {
  headers: Readonly<Record<string, string>>;
  /** Null where it is read as it comes. */
  text: Buffer | null;
  pieces: AsyncIterable<Piece>;
  /** The address of the page after it, once all pieces are read; null where it is the last. */
  findNext(): string | null;
  /** Why it may not be whole. */
  incomplete: string | null;
}

/** A list in a JSON document. Throws SourceFailure where it is not there. */
export function readJsonPage(
  page: JsonPage,
  { items, next, nextParameter, fields }: DocumentSourceSettings,
  { client, url }: { client: SourceClient; url: string },
): DocumentPage {
  const list = readPointer(page.value, items);
  if (!Array.isArray(list)) {
    const where = items === '' ? 'The document' : `What is at ${items}`;
    throw new SourceFailure('invalid', `${where} is not a list.`);
  }
  const findNext = (): string | null => {
    if (next === null) {
      const link = findNextLink(page.headers.link);
      return link === null ? null : client.follow(link, url);
    }
    const found = readPointer(page.value, next);
    if (found === undefined || found === null || found === '' || found === false) return null;
    if (nextParameter === null && typeof found === 'string') return client.follow(found, url);
    if (nextParameter !== null && (typeof found === 'string' || typeof found === 'number')) {
      const following = new URL(url);
      following.searchParams.set(nextParameter, String(found));
      return following.href;
    }
    throw new SourceFailure('invalid', `What is at ${next} does not lead to a page.`);
  };
  return { headers: page.headers, text: page.text, pieces: cutList(list, fields), findNext, incomplete: null };
}

async function* cutList(list: unknown[], fields: DocumentSourceSettings['fields']): AsyncGenerator<Piece> {
  for (let from = 0; from < list.length; from += RECORDS_PER_PIECE) {
    const items = list.slice(from, from + RECORDS_PER_PIECE);
    yield { records: items.map((item) => toRecord(fields === null ? item : mapItem(item, fields))), lines: 0 };
  }
}

/** A record a line. What cannot be read of a line is handed on as it is, to be refused by its number. */
export function readLinesPage(
  answer: OutboundAnswer,
  { fields }: DocumentSourceSettings,
  { client, url, skip }: { client: SourceClient; url: string; skip: number },
): DocumentPage {
  const link = findNextLink(answer.headers.link);
  return {
    headers: answer.headers,
    text: null,
    pieces: cutLines(answer.body, fields, skip),
    findNext: () => (link === null ? null : client.follow(link, url)),
    incomplete: answer.endIsCertain
      ? null
      : 'The answer has neither a length nor chunks: whether all of it came cannot be told.',
  };
}

async function* cutLines(
  body: AsyncIterable<Buffer>,
  fields: DocumentSourceSettings['fields'],
  skip: number,
): AsyncGenerator<Piece> {
  let piece: Piece = { records: [], lines: skip };
  let bytes = 0;
  let isFirst = true;
  for await (const lines of readLines(body, LINE_BYTES_MAX)) {
    for (const line of lines) {
      if (isFirst && line.text?.[0] === ANGLE_BRACKET) {
        throw new SourceFailure('invalid', 'It answered a page of markup instead of JSON lines.');
      }
      isFirst = false;
      if (line.number <= skip) continue;
      piece.records.push(mapLine(line, fields));
      piece.lines = line.number;
      bytes += line.text?.length ?? 0;
      if (piece.records.length < RECORDS_PER_PIECE && bytes < BYTES_PER_PIECE) continue;
      yield piece;
      [piece, bytes] = [{ records: [], lines: line.number }, 0];
    }
  }
  if (piece.records.length > 0) yield piece;
}

function mapLine({ text }: Line, fields: DocumentSourceSettings['fields']): Buffer | null {
  if (text === null || fields === null || !isUtf8(text)) return text;
  let item: unknown;
  try {
    item = JSON.parse(text.toString('utf8'));
  } catch {
    return text;
  }
  return toRecord(mapItem(item, fields));
}

function toRecord(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value), 'utf8');
}
