import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Access, Caller, type Principal } from '../../platform/access.js';
import { PageQuery } from '../../platform/page-query.dto.js';
import { ConnectionGroupList } from './connection-groups.dto.js';
import { ConnectionGroupsService } from './connection-groups.service.js';

@ApiTags('connections')
@Controller('connections')
export class ConnectionGroupsController {
  constructor(private readonly groups: ConnectionGroupsService) {}

  @Get(':id/groups')
  @Access('connections:read')
  @ApiOperation({
    summary: 'List the groups that a connection has pushed, by name',
    description:
      'Each with the number of its members, and the roles and entitlements that the present mapping gives them.',
  })
  @ApiOkResponse({ type: ConnectionGroupList })
  list(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Query() page: PageQuery,
  ): Promise<ConnectionGroupList> {
    return this.groups.list(principal, id, page);
  }
}
