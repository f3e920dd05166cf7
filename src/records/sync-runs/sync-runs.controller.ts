import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Access, Caller, type Principal } from '../../platform/access.js';
import { pageOf } from '../../platform/paging.js';
import { RunList, RunQuery, RunView } from './sync-runs.dto.js';
import { SyncRunsService } from './sync-runs.service.js';

@ApiTags('sync-runs')
@Controller('sync-runs')
export class SyncRunsController {
  constructor(private readonly runs: SyncRunsService) {}

  @Get()
  @Access('sync-runs:read')
  @ApiOperation({ summary: 'List pushes, re-plans and runs over groups, newest first' })
  @ApiOkResponse({ type: RunList })
  async list(@Caller() principal: Principal, @Query() query: RunQuery): Promise<RunList> {
    const rows = await this.runs.list(principal, query);
    return pageOf(rows, query.limit, (row) => `${row.startedAt} ${row.id}`, RunView.toView);
  }

  @Get(':id')
  @Access('sync-runs:read')
  @ApiOperation({ summary: 'Get a run' })
  @ApiOkResponse({ type: RunView })
  async get(@Caller() principal: Principal, @Param('id') id: string): Promise<RunView> {
    return RunView.toView(await this.runs.get(principal, id));
  }
}
