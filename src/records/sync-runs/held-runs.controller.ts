import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Access, Caller, type Principal } from '../../platform/access.js';
import { Clock, formatTime } from '../../platform/clock.js';
import { Problems } from '../../platform/openapi.js';
import { PageQuery } from '../../platform/page-query.dto.js';
import { pageOf } from '../../platform/paging.js';
import { RunEntryView, RunPlanView } from './held-runs.dto.js';
import { HeldRunsService } from './held-runs.service.js';
import { statusOf } from './run-state.js';
import { RunView } from './sync-runs.dto.js';
import { SyncRunsService } from './sync-runs.service.js';

@ApiTags('sync-runs')
@Controller('sync-runs')
export class HeldRunsController {
  constructor(
    private readonly runs: SyncRunsService,
    private readonly held: HeldRunsService,
    private readonly clock: Clock,
  ) {}

  @Get(':id/plan')
  @Access('sync-runs:read')
  @ApiOperation({
    summary: 'See what a run takes away, or would',
    description: 'Told all together, and person by person. What it creates and updates is written already.',
  })
  @ApiOkResponse({ type: RunPlanView })
  async plan(@Caller() caller: Principal, @Param('id') id: string, @Query() query: PageQuery): Promise<RunPlanView> {
    const run = await this.runs.get(caller, id);
    const rows = await this.held.listEntries(run.id, query);
    return {
      run: run.id,
      status: statusOf(run, this.clock.now()),
      reason: run.error,
      heldUntil: run.heldUntil === null ? null : formatTime(run.heldUntil),
      // It takes a reading of all entries.
      removals: query.cursor === undefined ? await this.held.tellRemovals(run) : null,
      ...pageOf(rows, query.limit, ({ entry }) => String(entry), RunEntryView.toView),
    };
  }

  @Post(':id/approve')
  @HttpCode(200)
  @Access('sync-runs:write')
  @Problems('conflict', 'not_found')
  @ApiOperation({
    summary: 'Let a held run take away what it holds',
    description:
      'Exactly the entries of its plan, but those of people who were stated since: these are skipped. It goes on in ' +
      'the background; the run says when it is `finished`.',
  })
  @ApiOkResponse({ type: RunView })
  async approve(@Caller() caller: Principal, @Param('id') id: string): Promise<RunView> {
    const run = await this.runs.get(caller, id);
    await this.held.approve(caller, run);
    return RunView.toView(await this.runs.get(caller, id), this.clock.now());
  }

  @Post(':id/reject')
  @HttpCode(200)
  @Access('sync-runs:write')
  @Problems('conflict', 'not_found')
  @ApiOperation({
    summary: 'Reject what a held run would take away',
    description: 'Nobody loses anything by it. The next run that says the same is held again.',
  })
  @ApiOkResponse({ type: RunView })
  async reject(@Caller() caller: Principal, @Param('id') id: string): Promise<RunView> {
    const run = await this.runs.get(caller, id);
    await this.held.reject(caller, run);
    return RunView.toView(await this.runs.get(caller, id), this.clock.now());
  }
}
