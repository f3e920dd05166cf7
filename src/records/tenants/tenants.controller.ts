import {
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  Param,
  Patch,
  Post,
  Query,
  Res,
  StreamableFile,
} from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProduces,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Access, Caller, type Principal } from '../../platform/access.js';
import { PageQuery } from '../../platform/page-query.dto.js';
import { withEtag } from '../../platform/versions.js';
import { TenantDeletionService } from './tenant-deletion.service.js';
import { TenantExportService } from './tenant-export.service.js';
import {
  ChangeTenantBody,
  CreateTenantBody,
  DeleteTenantQuery,
  EnterTenantBody,
  NewTenantView,
  TenantAccessView,
  TenantPage,
  TenantView,
} from './tenants.dto.js';
import { TenantsService } from './tenants.service.js';

@ApiTags('tenants')
@Controller('tenants')
export class TenantsController {
  constructor(
    private readonly tenants: TenantsService,
    private readonly deletion: TenantDeletionService,
    private readonly exports: TenantExportService,
  ) {}

  @Get()
  @Access('tenants:read')
  @ApiOperation({ summary: 'List tenants (operators)' })
  @ApiOkResponse({ type: TenantPage })
  list(@Caller() principal: Principal, @Query() query: PageQuery): Promise<TenantPage> {
    return this.tenants.list(principal, query);
  }

  @Post()
  @Access('tenants:write')
  @ApiOperation({ summary: 'Create a tenant; the answer holds the link for its first owner (operators)' })
  @ApiCreatedResponse({ type: NewTenantView })
  async create(
    @Caller() principal: Principal,
    @Body() body: CreateTenantBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<NewTenantView> {
    return withEtag(reply, await this.tenants.create(principal, body));
  }

  @Get(':id')
  @Access('tenants:read')
  @ApiOperation({ summary: 'Get a tenant (operators)' })
  @ApiOkResponse({ type: TenantView })
  async get(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TenantView> {
    return withEtag(reply, await this.tenants.get(principal, id));
  }

  @Patch(':id')
  @Access('tenants:write')
  @ApiOperation({ summary: 'Rename a tenant (operators)' })
  @ApiOkResponse({ type: TenantView })
  async rename(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Body() body: ChangeTenantBody,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TenantView> {
    return withEtag(reply, await this.tenants.rename(principal, id, body.name, ifMatch));
  }

  @Post(':id/suspend')
  @Access('tenants:write')
  @HttpCode(200)
  @ApiOperation({ summary: 'Suspend a tenant: its sessions end, its keys and logins stop (operators)' })
  @ApiOkResponse({ type: TenantView })
  async suspend(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TenantView> {
    return withEtag(reply, await this.tenants.suspend(principal, id));
  }

  @Post(':id/resume')
  @Access('tenants:write')
  @HttpCode(200)
  @ApiOperation({ summary: 'Let a suspended tenant go on (operators)' })
  @ApiOkResponse({ type: TenantView })
  async resume(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TenantView> {
    return withEtag(reply, await this.tenants.resume(principal, id));
  }

  @Post(':id/access')
  @Access('tenants:access')
  @ApiOperation({ summary: 'Enter a tenant for an hour; both ledgers keep the reason (operators)' })
  @ApiCreatedResponse({ type: TenantAccessView })
  enter(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Body() body: EnterTenantBody,
  ): Promise<TenantAccessView> {
    return this.tenants.enter(principal, id, body.reason);
  }

  @Get(':id/export')
  @Access('tenants:write')
  @ApiOperation({
    summary: 'What a tenant holds, as NDJSON, without secrets; its last line counts the others (operators)',
  })
  @ApiProduces('application/x-ndjson')
  @ApiOkResponse({ schema: { type: 'string' } })
  async export(@Caller() principal: Principal, @Param('id') id: string): Promise<StreamableFile> {
    return new StreamableFile(await this.exports.open(principal, id), { type: 'application/x-ndjson; charset=utf-8' });
  }

  @Delete(':id')
  @Access('tenants:write')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete a tenant with all it holds (operators)' })
  @ApiNoContentResponse()
  remove(@Caller() principal: Principal, @Param('id') id: string, @Query() query: DeleteTenantQuery): Promise<void> {
    return this.deletion.remove(principal, id, query.force === 'true');
  }
}
