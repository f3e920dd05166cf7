import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiHeader,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Access, Caller, type Principal } from '../../platform/access.js';
import { PageQuery } from '../../platform/page-query.dto.js';
import { withEtag } from '../../platform/versions.js';
import { ChangeRoleBody, CreateRoleBody, DeleteRoleQuery, RolePage, RoleView } from './roles.dto.js';
import { RolesService } from './roles.service.js';

const IF_MATCH = { name: 'If-Match', required: true, description: 'The `ETag` of the version that you have read.' };

@ApiTags('roles')
@Controller('roles')
export class RolesController {
  constructor(private readonly roles: RolesService) {}

  @Get()
  @Access('roles:read')
  @ApiOperation({ summary: 'List roles, by key' })
  @ApiOkResponse({ type: RolePage })
  list(@Caller() principal: Principal, @Query() query: PageQuery): Promise<RolePage> {
    return this.roles.list(principal, query);
  }

  @Post()
  @Access('roles:write')
  @ApiOperation({ summary: 'Create a role' })
  @ApiCreatedResponse({ type: RoleView })
  async create(
    @Caller() principal: Principal,
    @Body() body: CreateRoleBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RoleView> {
    return withEtag(reply, await this.roles.create(principal, body));
  }

  @Get(':id')
  @Access('roles:read')
  @ApiOperation({ summary: 'Get a role' })
  @ApiOkResponse({ type: RoleView })
  async get(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RoleView> {
    return withEtag(reply, await this.roles.get(principal, id));
  }

  @Patch(':id')
  @Access('roles:write')
  @ApiOperation({ summary: 'Change a role; its key and built-in roles stay as they are' })
  @ApiHeader(IF_MATCH)
  @ApiOkResponse({ type: RoleView })
  async change(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Body() body: ChangeRoleBody,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RoleView> {
    return withEtag(reply, await this.roles.change(principal, id, body, ifMatch));
  }

  @Delete(':id')
  @Access('roles:write')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete a role with all its grants and blocks' })
  @ApiHeader(IF_MATCH)
  @ApiNoContentResponse()
  remove(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Query() query: DeleteRoleQuery,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    return this.roles.remove(principal, id, ifMatch, query.force === 'true');
  }
}
