import { Controller, Get, Headers, HttpCode, Param, Post, Query, Res, StreamableFile } from '@nestjs/common';
import { ApiHeader, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Readable } from 'node:stream';
import { Access, Caller, type Principal } from '../../platform/access.js';
import { Clock } from '../../platform/clock.js';
import { Problems } from '../../platform/openapi.js';
import { PageQuery } from '../../platform/page-query.dto.js';
import { pageOf } from '../../platform/paging.js';
import { RunEvents } from './run-events.js';
import { RunFailureList, RunFailureView, RunList, RunQuery, RunView } from './sync-runs.dto.js';
import { SyncRunsService } from './sync-runs.service.js';

@ApiTags('sync-runs')
@Controller('sync-runs')
export class SyncRunsController {
  constructor(
    private readonly runs: SyncRunsService,
    private readonly events: RunEvents,
    private readonly clock: Clock,
  ) {}

  @Get()
  @Access('sync-runs:read')
  @ApiOperation({ summary: 'List pushes, imports, pulls, re-plans and runs over groups, newest first' })
  @ApiOkResponse({ type: RunList })
  async list(@Caller() principal: Principal, @Query() query: RunQuery): Promise<RunList> {
    const rows = await this.runs.list(principal, query);
    const now = this.clock.now();
    return pageOf(
      rows,
      query.limit,
      (row) => `${row.startedAt} ${row.id}`,
      (row) => RunView.toView(row, now),
    );
  }

  @Get(':id')
  @Access('sync-runs:read')
  @ApiOperation({ summary: 'Get a run' })
  @ApiOkResponse({ type: RunView })
  async get(@Caller() principal: Principal, @Param('id') id: string): Promise<RunView> {
    return RunView.toView(await this.runs.get(principal, id), this.clock.now());
  }

  @Get(':id/failures')
  @Access('sync-runs:read')
  @ApiOperation({ summary: 'List the records that a run refused, in their order' })
  @ApiOkResponse({ type: RunFailureList })
  async listFailures(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Query() query: PageQuery,
  ): Promise<RunFailureList> {
    const rows = await this.runs.listFailures(principal, id, query);
    return pageOf(rows, query.limit, ({ record }) => String(record), RunFailureView.toView);
  }

  @Get(':id/events')
  @Access('sync-runs:read')
  @ApiOperation({
    summary: 'Follow a run as server-sent events',
    description:
      '`progress` at once and at least each second, `end` when the run is over; the data of both is the run. It closes ' +
      'after five minutes: an `EventSource` comes again by itself.',
  })
  @ApiHeader({ name: 'last-event-id', required: false, description: 'An `EventSource` that comes again sends it.' })
  @ApiProduces('text/event-stream')
  @ApiOkResponse({ schema: { type: 'string' } })
  @ApiNoContentResponse({ description: 'The end was told already. An `EventSource` does not come again after this.' })
  async follow(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StreamableFile | undefined> {
    const told = await this.events.open(principal, id, lastEventId);
    if (told === null) {
      reply.status(204);
      return undefined;
    }
    return new StreamableFile(Readable.from(told, { objectMode: false }), { type: 'text/event-stream' });
  }

  @Post(':id/cancel')
  @HttpCode(200)
  @Access('users:sync')
  @Problems('conflict', 'not_found')
  @ApiOperation({
    summary: 'Cancel a push, an import or a pull',
    description: 'What works on it stops within a second or two. What was committed stays.',
  })
  @ApiOkResponse({ type: RunView })
  async cancel(@Caller() principal: Principal, @Param('id') id: string): Promise<RunView> {
    return RunView.toView(await this.runs.cancel(principal, id), this.clock.now());
  }
}
