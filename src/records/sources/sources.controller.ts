import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Put, Res } from '@nestjs/common';
import { ApiHeader, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Access, Caller, type Principal } from '../../platform/access.js';
import { withEtag } from '../../platform/versions.js';
import { SourceBody, SourceView } from './source.dto.js';
import { SourcesService } from './sources.service.js';

const IF_MATCH = {
  name: 'If-Match',
  required: false,
  description: 'The `ETag` of the version that you have read; needed where there is one.',
};

@ApiTags('connections')
@Controller('connections')
export class SourcesController {
  constructor(private readonly sources: SourcesService) {}

  @Get(':id/source')
  @Access('connections:read')
  @ApiOperation({ summary: 'Get where a connection fetches its people from' })
  @ApiOkResponse({ type: SourceView })
  async get(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SourceView> {
    return withEtag(reply, SourceView.toView(await this.sources.get(principal, id)));
  }

  @Put(':id/source')
  @Access('connections:trust')
  @ApiOperation({ summary: 'Set where a connection fetches its people from' })
  @ApiHeader(IF_MATCH)
  @ApiOkResponse({ type: SourceView })
  async set(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Body() body: SourceBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SourceView> {
    return withEtag(reply, SourceView.toView(await this.sources.set(principal, id, ifMatch, body)));
  }

  @Delete(':id/source')
  @HttpCode(204)
  @Access('connections:trust')
  @ApiOperation({ summary: 'Fetch no more for a connection; who was fetched stays' })
  @ApiHeader(IF_MATCH)
  @ApiNoContentResponse()
  async remove(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    await this.sources.remove(principal, id, ifMatch);
  }
}
