import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Access, Caller, type Principal } from '../../platform/access.js';
import { pageOf } from '../../platform/paging.js';
import { ScimRequestList, ScimRequestQuery, ScimRequestView } from './scim-requests.dto.js';
import { ScimRequestsService } from './scim-requests.service.js';

@ApiTags('connections')
@Controller('connections')
export class ScimRequestsController {
  constructor(private readonly requests: ScimRequestsService) {}

  @Get(':id/requests')
  @Access('connections:read')
  @ApiOperation({ summary: 'List what the SCIM client of a connection sent lately, and how it was answered' })
  @ApiOkResponse({ type: ScimRequestList })
  async list(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Query() query: ScimRequestQuery,
  ): Promise<ScimRequestList> {
    const rows = await this.requests.list(principal, id, query);
    return pageOf(rows, query.limit, (row) => row.id, ScimRequestView.toView);
  }
}
