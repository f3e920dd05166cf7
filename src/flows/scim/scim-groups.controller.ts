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
import { Limits, MEBIBYTE } from '../../platform/route-limits.js';
import { readSearchRequest, readUrlQuery } from './protocol/list-query.js';
import { ScimPatchBody, ScimSearchBody } from './scim.dto.js';
import { type ScimRequest, sendChanged, sendCreated, sendResource, sendUnlessKnown } from './scim-answer.js';
import { ScimGroupBody, ScimGroupListView, ScimGroupView } from './scim-group.dto.js';
import { ScimGroupsService } from './scim-groups.service.js';
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

/** A group of a hundred thousand members fits. */
const BODY = { bodyBytesMax: 16 * MEBIBYTE };

type UrlQuery = Record<string, unknown>;

/** Bodies are read by hand, by SCIM's own schemas. */
@ScimController('Groups')
export class ScimGroupsController {
  constructor(
    private readonly groups: ScimGroupsService,
    private readonly search: ScimSearchService,
  ) {}

  @Post()
  @Access('scim:write')
  @Limits(BODY)
  @ApiOperation({ summary: 'Create a group' })
  @ApiBody({ type: ScimGroupBody })
  @ApiProjection()
  @ApiCreatedResponse({ type: ScimGroupView })
  @Problems('scim_invalid_value', 'scim_invalid_syntax', 'scim_uniqueness', 'protected_user', 'overloaded')
  async create(
    @Caller() principal: Principal,
    @Body() body: unknown,
    @Asked() asked: ScimRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return sendCreated(reply, await this.groups.create(principal, body, asked));
  }

  @Get()
  @Access('scim:read')
  @ApiOperation({ summary: 'List and find groups' })
  @ApiListQuery()
  @ApiOkResponse({ type: ScimGroupListView })
  @Problems(...LIST_PROBLEMS)
  list(@Caller() principal: Principal, @Query() query: UrlQuery) {
    return this.search.findGroups(principal, readUrlQuery(query));
  }

  @Post('.search')
  @HttpCode(200)
  @Access('scim:read')
  @ApiOperation({ summary: 'Find groups, with the query in the body' })
  @ApiBody({ type: ScimSearchBody })
  @ApiOkResponse({ type: ScimGroupListView })
  @Problems(...LIST_PROBLEMS)
  find(@Caller() principal: Principal, @Body() body: unknown) {
    return this.search.findGroups(principal, readSearchRequest(body));
  }

  @Get(':id')
  @Access('scim:read')
  @ApiOperation({ summary: 'Get a group' })
  @ApiProjection()
  @ApiHeader({ name: 'If-None-Match', required: false, description: 'The `ETag` of the version that you have.' })
  @ApiOkResponse({ type: ScimGroupView })
  @ApiResponse({ status: 304, description: 'It is the version that you have.' })
  async get(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Asked() asked: ScimRequest,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return sendUnlessKnown(reply, await this.groups.get(principal, id, asked), ifNoneMatch);
  }

  @Put(':id')
  @Access('scim:write')
  @Limits(BODY)
  @ApiOperation({
    summary: 'Replace a group',
    description: 'The members are those named, and no others. Of more than a thousand the roles follow by a run.',
  })
  @ApiBody({ type: ScimGroupBody })
  @ApiProjection()
  @ApiIfMatch()
  @ApiOkResponse({ type: ScimGroupView })
  @Problems(...PUT_PROBLEMS)
  async replace(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Body() body: unknown,
    @Asked() asked: ScimRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return sendResource(reply, await this.groups.replace(principal, id, body, asked));
  }

  @Patch(':id')
  @Access('scim:write')
  @Limits(BODY)
  @ApiOperation({
    summary: 'Change a group or its members',
    description:
      'All of it, or nothing, at the cost of what it changes, whatever the size of the group. Whether it is answered ' +
      'with the group or with 204 is for the preset to say.',
  })
  @ApiBody({ type: ScimPatchBody })
  @ApiProjection()
  @ApiIfMatch()
  @ApiOkResponse({ type: ScimGroupView })
  @ApiNoContentResponse({ description: 'It is done; under presets that ask for no body.' })
  @Problems(...PATCH_PROBLEMS)
  async change(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Body() body: unknown,
    @Asked() asked: ScimRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return sendChanged(reply, await this.groups.change(principal, id, body, asked));
  }

  @Delete(':id')
  @Access('scim:write')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Delete a group',
    description: 'It is gone at once. Of more than a thousand members the roles follow by a run.',
  })
  @ApiIfMatch()
  @ApiNoContentResponse()
  @Problems('protected_user', 'last_owner', 'overloaded')
  async remove(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    await this.groups.remove(principal, id, ifMatch);
  }
}
