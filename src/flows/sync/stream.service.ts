import { type BeforeApplicationShutdown, Inject, Injectable, Logger } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { Principal } from '../../platform/access.js';
import { CONFIG, type Config } from '../../platform/config.js';
import { newId } from '../../platform/ids.js';
import { readLines } from '../../platform/lines.js';
import { Places } from '../../platform/places.js';
import { Problem } from '../../platform/problem.js';
import { CHUNK_ITEMS_MAX } from '../../provisioning/provisioning.service.js';
import { BrokenBody, codingOf, readBody } from './decode-body.js';
import { getPushConnection } from './push-connection.js';
import { readChunks, type StreamChunk } from './read-lines.js';
import { LINE_BYTES_MAX } from './sync-chunk.js';
import { StreamRuns, type OpenStream } from './stream-runs.js';
import { previewChunks, tellProblem } from './stream-preview.js';
import { assertSameStream, type TakenStream } from './stream-progress.js';
import { readStreamRequest } from './stream-request.js';
import { truthTime } from './sync-request.js';
import { StreamRun } from './stream-run.js';
import type { StreamAnswerDto } from './stream.dto.js';

const CHUNK_BYTES_MAX = 4 * 1024 * 1024;
/** Each holds a few chunks in memory; a dry run also remembers names. */
const STREAM_PLACES = { placesMax: 16, tenantMax: 4 };

/** A stream as it arrives. */
export interface IncomingStream {
  request: IncomingMessage;
  encoding: string | undefined;
  query: Readonly<Record<string, unknown>>;
  idempotencyKey: string | null;
  /** `Prefer: respond-async` (RFC 7240): answer when the last byte is in, not when the last chunk is committed. */
  isAsync: boolean;
}

export type StreamOutcome =
  | { kind: 'finished'; answer: StreamAnswerDto }
  | { kind: 'accepted'; run: string }
  | { kind: 'preview'; lines: AsyncGenerator<string> };

/** Takes pushes that come as NDJSON, of any length. */
@Injectable()
export class StreamService implements BeforeApplicationShutdown {
  private readonly logger = new Logger(StreamService.name);
  private readonly ending = new AbortController();
  private readonly open = new Set<Promise<unknown>>();
  private readonly places = new Places(STREAM_PLACES);

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly runs: StreamRuns,
  ) {}

  /** What has been read is committed; who sends is told to come again. */
  async beforeApplicationShutdown(): Promise<void> {
    const detail = 'The service is being restarted; send it again under the same Idempotency-Key.';
    this.ending.abort(new Problem('overloaded', detail, { retryAfterSeconds: 5 }));
    await Promise.allSettled(this.open);
  }

  /** Throws, before the body is read, what is wrong with the request; `stream_broken` for what is wrong with the body. */
  async take(principal: Principal, incoming: IncomingStream): Promise<StreamOutcome> {
    const { parts } = this.runs;
    const { request, faults } = readStreamRequest(incoming.query, parts.clock.now());
    if (faults.length > 0) throw new Problem('invalid_request', undefined, { faults });
    codingOf(incoming.encoding);
    if (!this.places.hasFree(principal.tenantId)) throw tooMany();
    const known = await getPushConnection(parts, principal, request.connectionId);
    const since = truthTime(request, parts.clock.now());
    const order = { runId: newId(), principal, known, request, since };
    if (request.dryRun) {
      return { kind: 'preview', lines: this.preview(new StreamRun(this.runs.parts, order), incoming) };
    }
    const leave = this.places.take(principal.tenantId);
    if (!leave) throw tooMany();
    let isOver = true;
    try {
      const opened = await this.runs.open(order, incoming.idempotencyKey);
      if ('answer' in opened) {
        await this.track(this.compare(opened.taken, incoming));
        return { kind: 'finished', answer: opened.answer };
      }
      await this.track(this.receive(opened, incoming));
      const finished = this.finish(opened);
      if (!incoming.isAsync) return { kind: 'finished', answer: await finished };
      isOver = false;
      const warn = (error: unknown) => this.logger.warn(`Run ${opened.runId} broke: ${String(error)}`);
      finished.catch(warn).finally(leave);
      return { kind: 'accepted', run: opened.runId };
    } finally {
      if (isOver) leave();
    }
  }

  /** Settles when the last byte is read and everything is on its way into the database. */
  private async receive(opened: OpenStream, incoming: IncomingStream): Promise<void> {
    const { run, journal } = opened;
    const stop = AbortSignal.any([run.halted, journal.stopped, this.ending.signal]);
    try {
      for await (const chunk of this.chunksOf(incoming, stop)) {
        await run.take(chunk);
        stop.throwIfAborted();
      }
      opened.phase = 'writing';
    } catch (error) {
      throw await this.runs.break(opened, toProblem(error));
    }
  }

  /** The key has its answer; whether the body is the one that had it is known at its end. */
  private async compare(taken: TakenStream, incoming: IncomingStream): Promise<void> {
    try {
      await assertSameStream(taken, this.chunksOf(incoming, this.ending.signal));
    } catch (error) {
      throw toProblem(error);
    }
  }

  private finish(opened: OpenStream): Promise<StreamAnswerDto> {
    return this.track(this.runs.finish(opened));
  }

  private async *preview(run: StreamRun, incoming: IncomingStream): AsyncGenerator<string> {
    // Only now: a generator that is never begun ends nowhere, and would keep its place.
    const leave = this.places.take(run.order.principal.tenantId);
    if (!leave) return yield tellProblem(tooMany());
    try {
      yield* previewChunks(this.runs, run, this.chunksOf(incoming, this.ending.signal), toProblem);
    } finally {
      leave();
    }
  }

  private chunksOf({ request, encoding }: IncomingStream, stop: AbortSignal): AsyncGenerator<StreamChunk> {
    const body = readBody(request, encoding, { idleMs: this.config.STREAM_IDLE_SECONDS * 1000, stop });
    const limits = { linesMax: CHUNK_ITEMS_MAX, bytesMax: CHUNK_BYTES_MAX };
    return readChunks(readLines(body, LINE_BYTES_MAX), limits);
  }

  private track<T>(work: Promise<T>): Promise<T> {
    this.open.add(work);
    const over = (): void => void this.open.delete(work);
    work.then(over, over);
    return work;
  }
}

function tooMany(): Problem {
  return new Problem('overloaded', 'Too many streams come in already.', { retryAfterSeconds: 5 });
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof BrokenBody) return new Problem('stream_broken', error.message, { cause: error });
  return new Problem('internal', undefined, { cause: error });
}
