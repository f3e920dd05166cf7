import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Access, Caller, type Principal } from '../../platform/access.js';
import { PageQuery } from '../../platform/page-query.dto.js';
import {
  ApiKeyPage,
  ApiKeyView,
  CreateApiKeyBody,
  NewApiKeyView,
  RenameApiKeyBody,
  RotateApiKeyBody,
} from './api-keys.dto.js';
import { ApiKeysService } from './api-keys.service.js';

@ApiTags('api-keys')
@Controller('api-keys')
export class ApiKeysController {
  constructor(private readonly keys: ApiKeysService) {}

  @Get()
  @Access('api-keys:read')
  @ApiOperation({ summary: 'List API keys that were not revoked' })
  @ApiOkResponse({ type: ApiKeyPage })
  list(@Caller() principal: Principal, @Query() query: PageQuery): Promise<ApiKeyPage> {
    return this.keys.list(principal, query);
  }

  @Post()
  @Access('api-keys:write')
  @ApiOperation({ summary: 'Create an API key; the answer shows it, this once' })
  @ApiCreatedResponse({ type: NewApiKeyView })
  create(@Caller() principal: Principal, @Body() body: CreateApiKeyBody): Promise<NewApiKeyView> {
    return this.keys.create(principal, body);
  }

  @Get(':id')
  @Access('api-keys:read')
  @ApiOperation({ summary: 'Get an API key, without its secret' })
  @ApiOkResponse({ type: ApiKeyView })
  get(@Caller() principal: Principal, @Param('id') id: string): Promise<ApiKeyView> {
    return this.keys.get(principal, id);
  }

  @Patch(':id')
  @Access('api-keys:write')
  @ApiOperation({ summary: 'Rename an API key' })
  @ApiOkResponse({ type: ApiKeyView })
  rename(@Caller() principal: Principal, @Param('id') id: string, @Body() body: RenameApiKeyBody): Promise<ApiKeyView> {
    return this.keys.rename(principal, id, body.name);
  }

  @Delete(':id')
  @Access('api-keys:write')
  @HttpCode(204)
  @ApiOperation({ summary: 'Revoke an API key, at once' })
  @ApiNoContentResponse()
  revoke(@Caller() principal: Principal, @Param('id') id: string): Promise<void> {
    return this.keys.revoke(principal, id);
  }

  @Post(':id/rotate')
  @Access('api-keys:write')
  @ApiOperation({ summary: 'Put a new key in the place of an old one, which may go on for a while' })
  @ApiCreatedResponse({ type: NewApiKeyView })
  rotate(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Body() body: RotateApiKeyBody,
  ): Promise<NewApiKeyView> {
    return this.keys.rotate(principal, id, body.overlapSeconds ?? 0);
  }
}
