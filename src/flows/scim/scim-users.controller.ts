import { Body, Controller, Get, Headers, Param, Post, Put, Query, Res, UseInterceptors } from '@nestjs/common';
import {
  ApiBody,
  ApiCreatedResponse,
  ApiExtraModels,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Access, Caller, type Principal } from '../../platform/access.js';
import { readUrlQuery } from './protocol/list-query.js';
import { sendResource } from './scim-answer.js';
import { ScimMediaInterceptor } from './scim-media.interceptor.js';
import { ScimUsersService } from './scim-users.service.js';
import { matchesEtag } from './user-draft.js';

type Query = Record<string, unknown>;

/** Bodies are read by hand, by SCIM's own schemas. */
@ApiTags('scim')
@Controller('scim/v2/Users')
@UseInterceptors(ScimMediaInterceptor)
export class ScimUsersController {
  constructor(private readonly users: ScimUsersService) {}

  @Post()
  @Access('scim:write')
  @ApiOperation({ summary: 'Create a user' })
  async create(
    @Caller() principal: Principal,
    @Body() body: unknown,
    @Query() query: Query,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const answer = await this.users.create(principal, body, readUrlQuery(query));
    void reply.header('location', answer.location);
    return sendResource(reply, answer);
  }

  @Get(':id')
  @Access('scim:read')
  @ApiOperation({ summary: 'Get a user' })
  async get(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Query() query: Query,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const answer = await this.users.get(principal, id, readUrlQuery(query));
    if (ifNoneMatch !== undefined && matchesEtag(ifNoneMatch, answer.etag)) {
      void reply.status(304).header('etag', answer.etag);
      return undefined;
    }
    return sendResource(reply, answer);
  }

  @Put(':id')
  @Access('scim:write')
  @ApiOperation({ summary: 'Replace a user' })
  async replace(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Body() body: unknown,
    @Query() query: Query,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const answer = await this.users.replace(principal, id, body, { ...readUrlQuery(query), ifMatch });
    return sendResource(reply, answer);
  }
}
