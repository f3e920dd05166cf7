import {
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  Param,
  Post,
  Put,
  Query,
  Res,
  UseInterceptors,
} from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Access, Caller, type Principal } from '../../platform/access.js';
import { readUrlQuery } from './protocol/list-query.js';
import { sendResource } from './scim-answer.js';
import { ScimGroupsService } from './scim-groups.service.js';
import { ScimMediaInterceptor } from './scim-media.interceptor.js';
import { matchesEtag } from './user-draft.js';

type Query = Record<string, unknown>;
const TOLD = { content: { 'application/scim+json': { schema: { type: 'object', additionalProperties: true } } } } as const;

/** Bodies are read by hand, by SCIM's own schemas. */
@ApiTags('scim')
@Controller('scim/v2/Groups')
@UseInterceptors(ScimMediaInterceptor)
export class ScimGroupsController {
  constructor(private readonly groups: ScimGroupsService) {}

  @Post()
  @Access('scim:write')
  @ApiOperation({ summary: 'Create a group' })
  @ApiCreatedResponse(TOLD)
  async create(
    @Caller() principal: Principal,
    @Body() body: unknown,
    @Query() query: Query,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const answer = await this.groups.create(principal, body, readUrlQuery(query));
    void reply.header('location', answer.location);
    return sendResource(reply, answer);
  }

  @Get(':id')
  @Access('scim:read')
  @ApiOperation({ summary: 'Get a group' })
  @ApiOkResponse(TOLD)
  async get(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Query() query: Query,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const answer = await this.groups.get(principal, id, readUrlQuery(query));
    if (ifNoneMatch !== undefined && matchesEtag(ifNoneMatch, answer.etag)) {
      void reply.status(304).header('etag', answer.etag);
      return undefined;
    }
    return sendResource(reply, answer);
  }

  @Put(':id')
  @Access('scim:write')
  @ApiOperation({ summary: 'Replace a group' })
  @ApiOkResponse(TOLD)
  async replace(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Body() body: unknown,
    @Query() query: Query,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return sendResource(reply, await this.groups.replace(principal, id, body, { ...readUrlQuery(query), ifMatch }));
  }

  @Delete(':id')
  @Access('scim:write')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete a group' })
  @ApiNoContentResponse()
  async remove(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    await this.groups.remove(principal, id, ifMatch);
  }
}
