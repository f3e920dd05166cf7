import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Access, Caller, type Principal } from '../../platform/access.js';
import { PageQuery } from '../../platform/page-query.dto.js';
import { withEtag } from '../../platform/versions.js';
import { ApplicationPage, ApplicationView, ChangeApplicationBody, CreateApplicationBody } from './applications.dto.js';
import { ApplicationsService } from './applications.service.js';

@ApiTags('applications')
@Controller('applications')
export class ApplicationsController {
  constructor(private readonly applications: ApplicationsService) {}

  @Get()
  @Access('applications:read')
  @ApiOperation({ summary: 'List applications' })
  @ApiOkResponse({ type: ApplicationPage })
  list(@Caller() principal: Principal, @Query() query: PageQuery): Promise<ApplicationPage> {
    return this.applications.list(principal, query);
  }

  @Post()
  @Access('applications:write')
  @ApiOperation({ summary: 'Create an application' })
  @ApiCreatedResponse({ type: ApplicationView })
  async create(
    @Caller() principal: Principal,
    @Body() body: CreateApplicationBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ApplicationView> {
    return withEtag(reply, await this.applications.create(principal, body));
  }

  @Get(':id')
  @Access('applications:read')
  @ApiOperation({ summary: 'Get an application' })
  @ApiOkResponse({ type: ApplicationView })
  async get(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ApplicationView> {
    return withEtag(reply, await this.applications.get(principal, id));
  }

  @Patch(':id')
  @Access('applications:write')
  @ApiOperation({ summary: 'Change an application' })
  @ApiOkResponse({ type: ApplicationView })
  async change(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Body() body: ChangeApplicationBody,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ApplicationView> {
    return withEtag(reply, await this.applications.change(principal, id, body, ifMatch));
  }

  @Delete(':id')
  @Access('applications:write')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete an application; its sessions end' })
  @ApiNoContentResponse()
  remove(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    return this.applications.remove(principal, id, ifMatch);
  }
}
