import { Body, Delete, Get, Headers, HttpCode, Param, Patch, Post, Put, Query, Res } from '@nestjs/common';
import {
  ApiBody,
  ApiCreatedResponse,
  ApiHeader,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiResponse,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Access, Caller, type Principal } from '../../platform/access.js';
import { Problems } from '../../platform/openapi.js';
import { readSearchRequest, readUrlQuery } from './protocol/list-query.js';
import { ScimPatchBody, ScimSearchBody, ScimUserBody, ScimUserListView, ScimUserView } from './scim.dto.js';
import { type ScimRequest, sendChanged, sendCreated, sendResource, sendUnlessKnown } from './scim-answer.js';
import {
  Asked,
  ApiIfMatch,
  ApiListQuery,
  ApiProjection,
  LIST_PROBLEMS,
  PATCH_PROBLEMS,
  PUT_PROBLEMS,
  ScimController,
} from './scim-route.js';
import { ScimSearchService } from './scim-search.service.js';
import { ScimUsersService } from './scim-users.service.js';

type UrlQuery = Record<string, unknown>;

/** Bodies are read by hand, by SCIM's own schemas. */
@ScimController('Users')
export class ScimUsersController {
  constructor(
    private readonly users: ScimUsersService,
    private readonly search: ScimSearchService,
  ) {}

  @Post()
  @Access('scim:write')
  @ApiOperation({
    summary: 'Create a user',
    description: 'Somebody who was switched off is revived by it: 201 with the id that they had.',
  })
  @ApiBody({ type: ScimUserBody })
  @ApiProjection()
  @ApiCreatedResponse({ type: ScimUserView })
  @Problems('scim_invalid_value', 'scim_invalid_syntax', 'scim_uniqueness', 'overloaded')
  async create(
    @Caller() principal: Principal,
    @Body() body: unknown,
    @Asked() asked: ScimRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return sendCreated(reply, await this.users.create(principal, body, asked));
  }

  @Get()
  @Access('scim:read')
  @ApiOperation({ summary: 'List and find users' })
  @ApiListQuery()
  @ApiOkResponse({ type: ScimUserListView })
  @Problems(...LIST_PROBLEMS)
  list(@Caller() principal: Principal, @Query() query: UrlQuery) {
    return this.search.findUsers(principal, readUrlQuery(query));
  }

  @Post('.search')
  @HttpCode(200)
  @Access('scim:read')
  @ApiOperation({ summary: 'Find users, with the query in the body' })
  @ApiBody({ type: ScimSearchBody })
  @ApiOkResponse({ type: ScimUserListView })
  @Problems(...LIST_PROBLEMS)
  find(@Caller() principal: Principal, @Body() body: unknown) {
    return this.search.findUsers(principal, readSearchRequest(body));
  }

  @Get(':id')
  @Access('scim:read')
  @ApiOperation({ summary: 'Get a user' })
  @ApiProjection()
  @ApiHeader({ name: 'If-None-Match', required: false, description: 'The `ETag` of the version that you have.' })
  @ApiOkResponse({ type: ScimUserView })
  @ApiResponse({ status: 304, description: 'It is the version that you have.' })
  async get(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Asked() asked: ScimRequest,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return sendUnlessKnown(reply, await this.users.get(principal, id, asked), ifNoneMatch);
  }

  @Put(':id')
  @Access('scim:write')
  @ApiOperation({ summary: 'Replace a user' })
  @ApiBody({ type: ScimUserBody })
  @ApiProjection()
  @ApiIfMatch()
  @ApiOkResponse({ type: ScimUserView })
  @Problems(...PUT_PROBLEMS)
  async replace(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Body() body: unknown,
    @Asked() asked: ScimRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return sendResource(reply, await this.users.replace(principal, id, body, asked));
  }

  @Patch(':id')
  @Access('scim:write')
  @ApiOperation({
    summary: 'Change a user',
    description: 'All of it, or nothing. Whether it is answered with the user or with 204 is for the preset to say.',
  })
  @ApiBody({ type: ScimPatchBody })
  @ApiProjection()
  @ApiIfMatch()
  @ApiOkResponse({ type: ScimUserView })
  @ApiNoContentResponse({ description: 'It is done; under presets that ask for no body.' })
  @Problems(...PATCH_PROBLEMS)
  async change(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Body() body: unknown,
    @Asked() asked: ScimRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return sendChanged(reply, await this.users.change(principal, id, body, asked));
  }

  @Delete(':id')
  @Access('scim:write')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Delete a user',
    description: 'Their sessions end. Whoever is held by something else stays with that.',
  })
  @ApiIfMatch()
  @ApiNoContentResponse()
  @Problems('protected_user', 'last_owner', 'overloaded')
  async remove(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    await this.users.remove(principal, id, ifMatch);
  }
}
