import { Body, HttpCode, Post } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { Access, Caller, type Principal } from '../../platform/access.js';
import { Problems } from '../../platform/openapi.js';
import { readSearchRequest } from './protocol/list-query.js';
import { ScimListView, ScimSearchBody } from './scim.dto.js';
import { LIST_PROBLEMS, ScimController } from './scim-route.js';
import { ScimSearchService } from './scim-search.service.js';

@ScimController('')
export class ScimRootController {
  constructor(private readonly search: ScimSearchService) {}

  @Post('.search')
  @HttpCode(200)
  @Access('scim:read')
  @ApiOperation({ summary: 'Search users and groups at once' })
  @ApiBody({ type: ScimSearchBody })
  @ApiOkResponse({ type: ScimListView })
  @Problems(...LIST_PROBLEMS)
  findAll(@Caller() principal: Principal, @Body() body: unknown) {
    return this.search.findAll(principal, readSearchRequest(body));
  }
}
