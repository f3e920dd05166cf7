import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import type { Principal } from '../../platform/access.js';
import { newId } from '../../platform/ids.js';
import { Places } from '../../platform/places.js';
import { Problem } from '../../platform/problem.js';
import { lockSource } from '../../records/sources/lock-source.js';
import { type PullScope, usualScopeOf } from '../../records/sources/pull-schedule.js';
import { standAfterFailure } from '../../records/sources/pull-standing.js';
import { ConnectionSourceEntity } from '../../records/sources/source.entity.js';
import { SourcesService } from '../../records/sources/sources.service.js';
import { PullReading } from './pull-chunks.js';
import { SOURCE_SCOPE } from './pull-orders.js';
import { pagesOf } from './pull-pages.js';
import { PULL_CHUNK_LIMITS } from './pull-runs.js';
import { SourceSuspensions } from './source-suspensions.js';
import { SourceFailure, type SourcePage } from './sources/source-reader.js';
import { SourceReaders } from './sources/source-readers.js';
import { previewChunks } from './stream-preview.js';
import { StreamRun } from './stream-run.js';
import { StreamRuns } from './stream-runs.js';

/** Each reads a whole source while somebody waits. */
const PREVIEW_PLACES = { placesMax: 4, tenantMax: 2 };

/** Tells what a pull would do: reads the source, and writes nothing but that it refuses to be read. */
@Injectable()
export class PullPreviews implements BeforeApplicationShutdown {
  private readonly ending = new AbortController();
  private readonly places = new Places(PREVIEW_PLACES);

  constructor(
    private readonly streams: StreamRuns,
    private readonly sources: SourcesService,
    private readonly readers: SourceReaders,
    private readonly suspensions: SourceSuspensions,
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
    return this.tell(run, reading, this.read(source, scope));
  }

  private async *read(source: ConnectionSourceEntity, scope: PullScope): AsyncGenerator<SourcePage> {
    try {
      const place = { state: source.state, page: null };
      const said = this.readers.open(source).read(place, scope, this.ending.signal);
      yield* pagesOf(this.streams.parts.database.read, source, said);
    } catch (error) {
      if (error instanceof SourceFailure && error.kind === 'unauthorized') await this.suspend(source, scope, error);
      throw error;
    }
  }

  /** As a pull does that is refused: asked again and again with a wrong credential, some servers lock it. */
  private async suspend(
    { connectionId, version }: ConnectionSourceEntity,
    scope: PullScope,
    { message: detail }: SourceFailure,
  ): Promise<void> {
    const { database, clock } = this.streams.parts;
    await database.transaction(async (tx) => {
      const stored = await lockSource(tx, connectionId);
      if (stored?.version !== version || stored.suspendedAt !== null) return;
      const failure = { isRefusal: true, isBusy: false, detail, retryAfterSeconds: null };
      // Nothing becomes due by it: who asked for a dry run has not asked for more.
      const { failures, suspendedAt, suspendedReason } = standAfterFailure(stored, scope, failure, clock.now(), 1);
      await tx.update(ConnectionSourceEntity, { connectionId }, { failures, suspendedAt, suspendedReason });
      await this.suspensions.record(tx, stored, suspendedReason, null);
    });
  }

  private async *tell(run: StreamRun, reading: PullReading, pages: AsyncIterable<SourcePage>): AsyncGenerator<string> {
    // Only now: a generator that is never begun ends nowhere, and would keep its place.
    const leave = this.places.take(run.order.principal.tenantId);
    if (!leave) throw tooMany();
    try {
      const findGap = () => (reading.ended ? reading.ended.incomplete : 'The source stopped in the middle.');
      // The source is opened when it is read: what is wrong with it is a line like what is wrong later.
      yield* previewChunks(this.streams, run, reading.cut(pages), toProblem, findGap);
    } finally {
      leave();
    }
  }
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof SourceFailure) return new Problem('source_failed', error.message, { cause: error });
  return new Problem('internal', undefined, { cause: error });
}

function tooMany(): Problem {
  return new Problem('overloaded', 'Other sources are being read.', { retryAfterSeconds: 30 });
}
