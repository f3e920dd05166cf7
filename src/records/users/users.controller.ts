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
import { withEtag } from '../../platform/versions.js';
import { UserListService } from './user-list.service.js';
import { UserPage, UserView } from './user-view.dto.js';
import { ChangeUserBody, CreateUserBody, DeleteUserQuery, ListUsersQuery, ReasonBody } from './users.dto.js';
import { UsersService } from './users.service.js';

const IF_MATCH = { name: 'If-Match', required: false, description: 'The `ETag` of the version that you have read.' };

@ApiTags('users')
@Controller('users')
export class UsersController {
  constructor(
    private readonly users: UsersService,
    private readonly list: UserListService,
  ) {}

  @Get()
  @Access('users:read')
  @ApiOperation({ summary: 'List and search users' })
  @ApiOkResponse({ type: UserPage })
  page(@Caller() principal: Principal, @Query() query: ListUsersQuery): Promise<UserPage> {
    return this.list.list(principal, query);
  }

  @Post()
  @Access('users:write')
  @ApiOperation({ summary: 'Create a user by hand' })
  @ApiCreatedResponse({ type: UserView })
  async create(
    @Caller() principal: Principal,
    @Body() body: CreateUserBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserView> {
    const { reason, ...profile } = body;
    return withEtag(reply, await this.users.create(principal, profile, reason ?? null));
  }

  @Get(':id')
  @Access('users:read')
  @ApiOperation({ summary: 'Get a user, with every role and where it came from' })
  @ApiOkResponse({ type: UserView })
  async get(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserView> {
    return withEtag(reply, await this.users.view(principal, id));
  }

  @Patch(':id')
  @Access('users:write')
  @ApiOperation({ summary: 'Change what no connection states of a user' })
  @ApiHeader(IF_MATCH)
  @ApiOkResponse({ type: UserView })
  async change(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Body() body: ChangeUserBody,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserView> {
    const { reason, ...profile } = body;
    return withEtag(reply, await this.users.change(principal, id, profile, { ifMatch, reason }));
  }

  @Delete(':id')
  @Access('users:write')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete a user; sessions end, and no token from before logs in again' })
  @ApiHeader(IF_MATCH)
  @ApiNoContentResponse()
  remove(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Query() query: DeleteUserQuery,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    return this.users.remove(principal, id, { ifMatch, reason: query.reason, erase: query.erase === 'true' });
  }

  @Post(':id/suspend')
  @Access('users:write')
  @HttpCode(200)
  @ApiOperation({ summary: 'Suspend a user; sessions end' })
  @ApiHeader(IF_MATCH)
  @ApiOkResponse({ type: UserView })
  async suspend(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Body() body: ReasonBody,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserView> {
    return withEtag(reply, await this.users.suspend(principal, id, { ifMatch, reason: body?.reason }));
  }

  @Post(':id/unsuspend')
  @Access('users:write')
  @HttpCode(200)
  @ApiOperation({ summary: 'End the suspension of a user' })
  @ApiHeader(IF_MATCH)
  @ApiOkResponse({ type: UserView })
  async unsuspend(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Body() body: ReasonBody,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserView> {
    return withEtag(reply, await this.users.unsuspend(principal, id, { ifMatch, reason: body?.reason }));
  }
}
