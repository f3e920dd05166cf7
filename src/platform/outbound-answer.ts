import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Dispatcher } from 'undici';
import { OutboundError } from './outbound-error.js';

/** An answer whose head has come. Its body comes as it is read, and has to be read or left. */
export interface OutboundAnswer {
  status: 200 | 304;
  /** By name in lower case. */
  headers: Readonly<Record<string, string>>;
  /** Without its content coding; throws OutboundError, or the reason of the signal that ended it. */
  body: AsyncIterable<Buffer>;
  /** Whether a body that was cut off is told from a whole one: by its length, or by its last chunk. */
  endIsCertain: boolean;
  /** Reads nothing of the body. */
  leave(): void;
}

export interface AnswerLimits {
  host: string;
  /** Of the body without its content coding. */
  bytesMax: number;
  /** Makes of what went wrong what is thrown. */
  describe(error: unknown): unknown;
}

const KIBIBYTE = 1024;
/** People's records shrink tenfold; a thousandfold is made to fill a memory. */
const EXPANSION_MAX = 200;
/** So much may come out before its relation to what went in says anything. */
const UNMEASURED_BYTES = 16 * KIBIBYTE * KIBIBYTE;

/** Throws OutboundError where the head already says that the body is of no use; then nothing of it is read. */
export function toAnswer(response: Dispatcher.ResponseData, limits: AnswerLimits): OutboundAnswer {
  const headers = joinHeaders(response);
  const coding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  const isGzip = coding === 'gzip' || coding === 'x-gzip';
  const fault = findHeadFault(response.statusCode, headers, limits);
  if (fault) {
    leave(response.body);
    throw fault;
  }
  if (!isGzip && coding !== 'identity') {
    leave(response.body);
    throw new OutboundError('encoded', `${limits.host} compressed its answer otherwise than asked: only gzip is read.`);
  }
  return {
    status: response.statusCode as 200 | 304,
    headers,
    body: readPieces(response.body, isGzip, limits),
    endIsCertain: isEndCertain(headers),
    leave: () => leave(response.body),
  };
}

/** By name in lower case; what came several times is joined (RFC 9110, section 5.3). */
export function joinHeaders({ headers }: Pick<Dispatcher.ResponseData, 'headers'>): Record<string, string> {
  const joined: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) joined[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return joined;
}

/**
 * By RFC 9112, section 6.3: any other body ends when the connection does. Gzip proves nothing: cut between two of its
 * members it is whole.
 */
function isEndCertain(headers: Readonly<Record<string, string>>): boolean {
  const codings = headers['transfer-encoding'];
  if (codings === undefined) return 'content-length' in headers;
  return codings.split(',').at(-1)?.trim().toLowerCase() === 'chunked';
}

/** Why an answer with this head is not read, or null. */
export function findHeadFault(
  status: number,
  headers: Readonly<Record<string, string>>,
  { host, bytesMax }: Pick<AnswerLimits, 'host' | 'bytesMax'>,
): OutboundError | null {
  if (status === 304) return null;
  if (status >= 300 && status < 400) {
    return new OutboundError('redirect', `${host} answered with a redirect (${status}), which is not followed.`);
  }
  if (status !== 200) {
    const retryAfterSeconds = readRetryAfter(headers['retry-after'], headers.date);
    return new OutboundError('status', `${host} answered with status ${status}.`, { status, retryAfterSeconds });
  }
  return Number(headers['content-length'] ?? 0) > bytesMax ? tooLarge(host, bytesMax) : null;
}

export function tooLarge(host: string, bytesMax: number): OutboundError {
  return new OutboundError('too_large', `${host} answered with more than ${bytesMax} bytes.`);
}

/** Reads no more of a body, and hears no more of it. */
export function leave(body: Readable): void {
  body.on('error', () => {});
  body.destroy();
}

async function* readPieces(
  body: Readable,
  isGzip: boolean,
  { host, bytesMax, describe }: AnswerLimits,
): AsyncGenerator<Buffer> {
  const decoder = isGzip ? createGunzip({ chunkSize: 64 * KIBIBYTE }) : null;
  if (decoder) {
    body.once('error', (error) => decoder.destroy(error));
    body.once('aborted', () => decoder.destroy(new Error('aborted')));
    body.pipe(decoder);
  }
  let bytes = 0;
  try {
    for await (const piece of (decoder ?? body) as AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (bytes > bytesMax) throw tooLarge(host, bytesMax);
      if (decoder && bytes > UNMEASURED_BYTES && bytes > decoder.bytesWritten * EXPANSION_MAX) {
        throw new OutboundError(
          'too_large',
          `${host} answered with what expands to over ${EXPANSION_MAX} times its size.`,
        );
      }
      yield piece;
    }
  } catch (error) {
    throw describe(isWrongGzip(error) ? new OutboundError('encoded', `${host} answered with what is no gzip.`) : error);
  } finally {
    leave(body);
    decoder?.destroy();
  }
}

/** Gzip that ends too early is one that was cut off. */
function isWrongGzip(error: unknown): boolean {
  const { code = '' } = error as { code?: unknown };
  return typeof code === 'string' && code.startsWith('Z_') && code !== 'Z_BUF_ERROR';
}

const DAY_SECONDS = 86_400;

/**
 * Seconds, of which no source may ask for more than a day, from a number of them or a date (RFC 9110, section 10.2.3): by
 * the clock of the server, where it says what that is. Null where it asks for nothing that can be read.
 */
export function readRetryAfter(text: string | undefined, date: string | undefined): number | null {
  if (text === undefined) return null;
  if (/^\d{1,9}$/.test(text)) return Math.min(Number(text), DAY_SECONDS);
  const until = readHttpDate(text);
  if (until === null) return null;
  const seconds = Math.ceil((until - (readHttpDate(date ?? '') ?? Date.now())) / 1000);
  return Math.min(Math.max(seconds, 0), DAY_SECONDS);
}

/** Milliseconds since 1970, of any of the three forms of RFC 9110, section 5.6.7; null for anything else. */
function readHttpDate(text: string): number | null {
  if (!/^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? [\w :-]{10,30}$/.test(text)) return null;
  const millis = Date.parse(text.endsWith(' GMT') ? text : `${text} GMT`);
  return Number.isNaN(millis) ? null : millis;
}
