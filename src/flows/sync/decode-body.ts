import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { constants, createGunzip, createZstdDecompress } from 'node:zlib';
import { Problem } from '../../platform/problem.js';
import { SENDER_PACE, SenderPace } from './sender-pace.js';

const KIBIBYTE = 1024;
/** People's records shrink tenfold; a thousandfold is made to fill a memory. */
const EXPANSION_MAX = 200;
/** So much may come out before its relation to what went in says anything. */
const UNMEASURED_BYTES = 16 * KIBIBYTE * KIBIBYTE;
/** 16 MiB of window: what `zstd -19` asks for fits, what `--long` asks for is refused. */
const ZSTD_WINDOW_LOG_MAX = 24;

/** What comes out of a body, and how much of its bytes have gone in. */
interface Decoded {
  out: Readable;
  bytesIn(): number;
  /** After the last piece: whether all that arrived was taken in. */
  isWhole(): boolean;
}

/** The stream cannot go on. The message says why, for its sender. */
export class BrokenBody extends Error {}

export interface BodyLimits {
  /** Nothing arrived for so long. */
  idleMs: number;
  /** Its reason is thrown, whatever is awaited. */
  stop: AbortSignal;
}

/**
 * The bytes of a body with its content coding taken off (RFC 9110, section 8.4.1; RFC 8878). Asks for more only when it
 * is asked. Throws BrokenBody, and never destroys the request: its answer has to go out yet.
 */
export async function* readBody(
  request: IncomingMessage,
  encoding: string | undefined,
  limits: BodyLimits,
): AsyncGenerator<Buffer> {
  const { out, bytesIn, isWhole } = decode(request, encoding);
  const iterator = out.iterator({ destroyOnReturn: false });
  const pace = new SenderPace(request.socket.bytesRead);
  let bytesOut = 0;
  for (;;) {
    const next = await nextPiece(iterator, request, limits, pace);
    if (next.done) break;
    const piece = next.value as Buffer;
    bytesOut += piece.length;
    if (bytesOut > UNMEASURED_BYTES && bytesOut > bytesIn() * EXPANSION_MAX) {
      throw new BrokenBody(`It expands to more than ${EXPANSION_MAX} times its size.`);
    }
    yield piece;
  }
  if (!request.complete) throw new BrokenBody('It was cut off.');
  // Node's zstd drops, without a word, what follows a frame in the same buffer.
  if (!isWhole()) throw new BrokenBody('It holds more than one zstd frame: compress it in one.');
}

function decode(request: IncomingMessage, encoding: string | undefined): Decoded {
  const coding = codingOf(encoding);
  if (coding === 'identity') return { out: request, bytesIn: () => Infinity, isWhole: () => true };
  const decoder = createDecoder(coding);
  let received = 0;
  request.pipe(decoder);
  request.on('data', (piece: Buffer) => (received += piece.length));
  const cutOff = (): void => void decoder.destroy(new BrokenBody('It was cut off.'));
  request.once('error', cutOff);
  request.once('close', () => request.complete || cutOff());
  // It is read until it throws; after that nobody listens any more.
  decoder.on('error', () => request.unpipe(decoder));
  return { out: decoder, bytesIn: () => decoder.bytesWritten, isWhole: () => decoder.bytesWritten === received };
}

/** Throws `unsupported_media_type`. */
export function codingOf(encoding: string | undefined): 'identity' | 'gzip' | 'zstd' {
  const coding = encoding?.trim().toLowerCase() ?? '';
  if (coding === '' || coding === 'identity') return 'identity';
  if (coding === 'gzip' || coding === 'x-gzip') return 'gzip';
  if (coding === 'zstd') return 'zstd';
  throw new Problem('unsupported_media_type', 'Content-Encoding may be gzip, zstd or identity.');
}

function createDecoder(coding: 'gzip' | 'zstd') {
  const chunkSize = 64 * KIBIBYTE;
  if (coding === 'gzip') return createGunzip({ chunkSize });
  return createZstdDecompress({ chunkSize, params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX } });
}

function nextPiece(
  iterator: AsyncIterator<unknown>,
  request: IncomingMessage,
  { idleMs, stop }: BodyLimits,
  pace: SenderPace,
): Promise<IteratorResult<unknown>> {
  return new Promise((resolve, reject) => {
    let received = request.socket.bytesRead;
    let since = performance.now();
    const isTooSlow = (): boolean => {
      const before = since;
      since = performance.now();
      return pace.isTooSlow(since - before, request.socket.bytesRead);
    };
    const settle = (end: () => void): void => {
      clearInterval(timer);
      stop.removeEventListener('abort', onStop);
      end();
    };
    const onStop = (): void => settle(() => reject(stop.reason as Error));
    const timer = setInterval(() => {
      // What has arrived may not be enough yet for anything to come out.
      const { bytesRead } = request.socket;
      if (isTooSlow()) settle(() => reject(tooSlow()));
      else if (bytesRead > received) received = bytesRead;
      else settle(() => reject(new BrokenBody(`Nothing arrived for ${idleMs / 1000} s.`)));
    }, idleMs);
    if (stop.aborted) return onStop();
    stop.addEventListener('abort', onStop, { once: true });
    iterator.next().then(
      (piece) => settle(() => (!piece.done && isTooSlow() ? reject(tooSlow()) : resolve(piece))),
      (error: unknown) => settle(() => reject(toBroken(error))),
    );
  });
}

function tooSlow(): BrokenBody {
  const { bytesMin, windowMs } = SENDER_PACE;
  return new BrokenBody(`Less than ${bytesMin / KIBIBYTE} KiB arrived in ${windowMs / 60_000} minutes.`);
}

function toBroken(error: unknown): Error {
  if (error instanceof BrokenBody) return error;
  const { code = '' } = error as { code?: string };
  const isCoding = /^(Z_|ZSTD_|ERR_ZLIB)/.test(code);
  const isShort = code === 'Z_BUF_ERROR';
  const why = isCoding && !isShort ? 'It cannot be decompressed.' : 'It was cut off.';
  return new BrokenBody(why, { cause: error });
}

const LINGER_MS = 2000;

/** Takes what still comes of a body that was given up, for a moment, so that its sender gets to read the answer. */
export async function drainBody(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return;
  request.unpipe();
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, LINGER_MS);
    const over = (): void => {
      clearTimeout(timer);
      resolve();
    };
    request.once('end', over).once('close', over).resume();
  });
}
