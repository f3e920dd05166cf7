import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Patch, Post, Put, Query, Res } from '@nestjs/common';
import {
  ApiBody,
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
import { pageOf } from '../../platform/paging.js';
import { withEtag } from '../../platform/versions.js';
import { ConnectionBody } from './connection-body.dto.js';
import {
  ConnectionList,
  ConnectionView,
  DeleteConnectionQuery,
  MappingVersionList,
  MappingVersionSummary,
  MappingVersionView,
  PresetList,
  PresetView,
  SavedConnectionView,
} from './connection.dto.js';
import { ConnectionHistoryService } from './connection-history.service.js';
import { ConnectionsService } from './connections.service.js';
import { RemoveConnectionService } from './remove-connection.service.js';

const IF_MATCH = { name: 'If-Match', required: true, description: 'The `ETag` of the version that you have read.' };
const MERGE_PATCH = {
  schema: { type: 'object', additionalProperties: true, description: 'A JSON merge patch (RFC 7396) of a connection.' },
  examples: {
    rule: { summary: 'Another rule', value: { mapping: { roles: [{ id: 'all', when: 'true', grant: ['viewer'] }] } } },
    reset: { summary: 'null resets to the default', value: { maxTokenAgeSeconds: null } },
  },
};

@ApiTags('connections')
@Controller('connections')
export class ConnectionsController {
  constructor(
    private readonly connections: ConnectionsService,
    private readonly history: ConnectionHistoryService,
    private readonly removal: RemoveConnectionService,
  ) {}

  @Get()
  @Access('connections:read')
  @ApiOperation({ summary: 'List connections, oldest first' })
  @ApiOkResponse({ type: ConnectionList })
  async list(@Caller() principal: Principal, @Query() page: PageQuery): Promise<ConnectionList> {
    const rows = await this.connections.list(principal, page);
    return pageOf(rows, page.limit, (row) => row.id, ConnectionView.toView);
  }

  @Get('presets')
  @Access('connections:read')
  @ApiOperation({ summary: 'List presets: the defaults that fit a provider' })
  @ApiOkResponse({ type: PresetList })
  listPresets(): PresetList {
    return { items: PresetView.all() };
  }

  @Post()
  @Access('connections:trust')
  @ApiOperation({ summary: 'Create a connection' })
  @ApiBody({ type: ConnectionBody })
  @ApiCreatedResponse({ type: SavedConnectionView })
  async create(
    @Caller() principal: Principal,
    @Body() body: object,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SavedConnectionView> {
    return withEtag(reply, SavedConnectionView.toSavedView(await this.connections.create(principal, body)));
  }

  @Get(':id')
  @Access('connections:read')
  @ApiOperation({ summary: 'Get a connection' })
  @ApiOkResponse({ type: ConnectionView })
  async get(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConnectionView> {
    return withEtag(reply, ConnectionView.toView(await this.connections.get(principal, id)));
  }

  @Put(':id')
  @Access('connections:write')
  @ApiOperation({ summary: 'Replace a connection; what is left out gets its default. Trust needs connections:trust' })
  @ApiHeader(IF_MATCH)
  @ApiBody({ type: ConnectionBody })
  @ApiOkResponse({ type: SavedConnectionView })
  async replace(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Body() body: object,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SavedConnectionView> {
    const saved = await this.connections.replace(principal, id, ifMatch, body);
    return withEtag(reply, SavedConnectionView.toSavedView(saved));
  }

  @Patch(':id')
  @Access('connections:write')
  @ApiOperation({ summary: 'Change fields of a connection. Trust needs connections:trust' })
  @ApiHeader(IF_MATCH)
  @ApiBody(MERGE_PATCH)
  @ApiOkResponse({ type: SavedConnectionView })
  async patch(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Body() patch: object,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SavedConnectionView> {
    const saved = await this.connections.patch(principal, id, ifMatch, patch);
    return withEtag(reply, SavedConnectionView.toSavedView(saved));
  }

  @Post(':id/disable')
  @HttpCode(200)
  @Access('connections:write')
  @ApiOperation({ summary: 'Let nobody in through a connection, and end its sessions' })
  @ApiOkResponse({ type: ConnectionView })
  async disable(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConnectionView> {
    return withEtag(reply, ConnectionView.toView(await this.connections.setStatus(principal, id, 'disabled')));
  }

  @Post(':id/enable')
  @HttpCode(200)
  @Access('connections:trust')
  @ApiOperation({ summary: 'Trust a disabled connection again' })
  @ApiOkResponse({ type: ConnectionView })
  async enable(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConnectionView> {
    return withEtag(reply, ConnectionView.toView(await this.connections.setStatus(principal, id, 'active')));
  }

  @Delete(':id')
  @HttpCode(204)
  @Access('connections:trust')
  @ApiOperation({ summary: 'Delete a connection with its identities, their grants and sessions' })
  @ApiHeader({ ...IF_MATCH, required: false })
  @ApiNoContentResponse()
  async remove(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Query() query: DeleteConnectionQuery,
  ): Promise<void> {
    await this.removal.remove(principal, id, ifMatch, query.force === 'true');
  }

  @Get(':id/mappings')
  @Access('connections:read')
  @ApiOperation({ summary: 'List the versions of a mapping, newest first' })
  @ApiOkResponse({ type: MappingVersionList })
  async listMappings(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Query() page: PageQuery,
  ): Promise<MappingVersionList> {
    const rows = await this.history.list(principal, id, page);
    return pageOf(rows, page.limit, (row) => String(row.version), MappingVersionSummary.toSummary);
  }

  @Get(':id/mappings/:version')
  @Access('connections:read')
  @ApiOperation({ summary: 'Get a version of a mapping' })
  @ApiOkResponse({ type: MappingVersionView })
  async getMapping(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Param('version') version: string,
  ): Promise<MappingVersionView> {
    return MappingVersionView.toView(await this.history.get(principal, id, version));
  }
}
