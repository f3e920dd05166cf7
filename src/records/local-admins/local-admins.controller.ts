import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Access, Caller, type Principal } from '../../platform/access.js';
import { PageQuery } from '../../platform/page-query.dto.js';
import { InviteLocalAdminBody, LocalAdminLinkView, LocalAdminPage } from './local-admins.dto.js';
import { LocalAdminsService } from './local-admins.service.js';

@ApiTags('local-admins')
@Controller('local-admins')
export class LocalAdminsController {
  constructor(private readonly admins: LocalAdminsService) {}

  @Get()
  @Access('local-admins:read')
  @ApiOperation({ summary: 'List local admins' })
  @ApiOkResponse({ type: LocalAdminPage })
  list(@Caller() principal: Principal, @Query() query: PageQuery): Promise<LocalAdminPage> {
    return this.admins.list(principal, query);
  }

  @Post()
  @Access('local-admins:write')
  @ApiOperation({ summary: 'Invite a local admin; the answer holds the link by which they set their password' })
  @ApiCreatedResponse({ type: LocalAdminLinkView })
  invite(@Caller() principal: Principal, @Body() body: InviteLocalAdminBody): Promise<LocalAdminLinkView> {
    return this.admins.invite(principal, body, 'rest');
  }

  @Post(':userId/reset')
  @Access('local-admins:write')
  @ApiOperation({ summary: 'Make a link by which a local admin sets a new password' })
  @ApiCreatedResponse({ type: LocalAdminLinkView })
  reset(@Caller() principal: Principal, @Param('userId') userId: string): Promise<LocalAdminLinkView> {
    return this.admins.reset(principal, userId, 'rest');
  }
}
