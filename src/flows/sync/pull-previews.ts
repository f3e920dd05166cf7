import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import type { Principal } from '../../platform/access.js';
import { newId } from '../../platform/ids.js';
import { Places } from '../../platform/places.js';
import { Problem } from '../../platform/problem.js';
import { usualScopeOf } from '../../records/sources/pull-schedule.js';
import { SourcesService } from '../../records/sources/sources.service.js';
import { PullReading } from './pull-chunks.js';
import { SOURCE_SCOPE } from './pull-orders.js';
import { pagesOf } from './pull-pages.js';
import { PULL_CHUNK_LIMITS } from './pull-runs.js';
import { SourceFailure } from './sources/source-reader.js';
import { SourceReaders } from './sources/source-readers.js';
import { previewChunks } from './stream-preview.js';
import { StreamRun } from './stream-run.js';
import { StreamRuns } from './stream-runs.js';

/** Each reads a whole source while somebody waits. */
const PREVIEW_PLACES = { placesMax: 4, tenantMax: 2 };

/** Tells what a pull would do: reads the source, and writes nothing. */
@Injectable()
export class PullPreviews implements BeforeApplicationShutdown {
  private readonly ending = new AbortController();
  private readonly places = new Places(PREVIEW_PLACES);

  constructor(
    private readonly streams: StreamRuns,
    private readonly sources: SourcesService,
    private readonly readers: SourceReaders,
  ) {}

  beforeApplicationShutdown(): void {
    this.ending.abort(new Problem('overloaded', 'The service is being restarted.', { retryAfterSeconds: 5 }));
  }

  /** Lines as those of a stream's dry run. Throws `source_suspended`, `conflict`, `overloaded` before the first. */
  async preview(
    principal: Principal,
    connectionId: string,
    isFull: boolean | undefined,
  ): Promise<AsyncGenerator<string>> {
    const source = await this.sources.get(principal, connectionId);
    if (source.suspendedAt !== null) throw new Problem('source_suspended', source.suspendedReason ?? undefined);
    const known = await this.streams.parts.policies.find(connectionId);
    if (known?.row.status !== 'active') throw new Problem('conflict', 'The connection is disabled.');
    if (!this.places.hasFree(principal.tenantId)) throw tooMany();
    const scope = isFull === undefined ? usualScopeOf(source) : isFull ? 'full' : 'changes';
    const mode = scope === 'full' ? 'snapshot' : 'upsert';
    const since = mode === 'snapshot' ? this.streams.parts.clock.now() : null;
    const isCopy = source.type === 'rollcall';
    const asked = {
      kind: 'pull',
      statedAt: null,
      connectionId,
      dryRun: true,
      mode,
      scope: SOURCE_SCOPE,
      isCopy,
    } as const;
    const run = new StreamRun(this.streams.parts, { runId: newId(), principal, known, request: asked, since });
    const { state, version } = source;
    const reading = new PullReading({ version, state, page: null, ended: null }, 0, PULL_CHUNK_LIMITS);
    const pages = () => {
      const said = this.readers.open(source).read({ state, page: null }, scope, this.ending.signal);
      return pagesOf(this.streams.parts.database.read, source, said);
    };
    return this.tell(run, reading, pages);
  }

  private async *tell(
    run: StreamRun,
    reading: PullReading,
    pages: () => ReturnType<typeof pagesOf>,
  ): AsyncGenerator<string> {
    // Only now: a generator that is never begun ends nowhere, and would keep its place.
    const leave = this.places.take(run.order.principal.tenantId);
    if (!leave) throw tooMany();
    try {
      const findGap = () => (reading.ended ? reading.ended.incomplete : 'The source stopped in the middle.');
      // Opened when it is read: what is wrong with the source is a line like what is wrong later.
      yield* previewChunks(this.streams, run, chunksOf(reading, pages), toProblem, findGap);
    } finally {
      leave();
    }
  }
}

async function* chunksOf(reading: PullReading, pages: () => ReturnType<typeof pagesOf>) {
  yield* reading.cut(pages());
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof SourceFailure) return new Problem('source_failed', error.message, { cause: error });
  return new Problem('internal', undefined, { cause: error });
}

function tooMany(): Problem {
  return new Problem('overloaded', 'Other sources are being read.', { retryAfterSeconds: 30 });
}
