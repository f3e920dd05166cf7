import { Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { Access, Caller, type Principal } from '../../platform/access.js';
import { Problem } from '../../platform/problem.js';
import { BULK_LIMITS } from './bulk-limits.js';
import {
  findResourceTypeView,
  findSchemaView,
  viewResourceTypes,
  viewSchemas,
  viewServiceProviderConfig,
} from './protocol/discovery.js';
import { ScimDirectories } from './scim-directory.js';
import {
  ScimConfigView,
  ScimResourceTypeListView,
  ScimResourceTypeView,
  ScimSchemaListView,
  ScimSchemaView,
} from './scim-discovery.dto.js';
import { ScimController } from './scim-route.js';

type UrlQuery = Record<string, unknown>;

/** What this server is and has (RFC 7644, section 4). Neither paged nor sorted; whoever sends a filter is refused. */
@ScimController('')
export class ScimDiscoveryController {
  constructor(private readonly directories: ScimDirectories) {}

  @Get('ServiceProviderConfig')
  @Access('scim:read')
  @ApiOperation({ summary: 'What of the standard is supported' })
  @ApiOkResponse({ type: ScimConfigView })
  async config(@Caller() principal: Principal, @Query() query: UrlQuery) {
    const { baseUrl } = await this.open(principal, query);
    return viewServiceProviderConfig(baseUrl, BULK_LIMITS);
  }

  @Get('ResourceTypes')
  @Access('scim:read')
  @ApiOperation({ summary: 'The kinds of resources' })
  @ApiOkResponse({ type: ScimResourceTypeListView })
  async resourceTypes(@Caller() principal: Principal, @Query() query: UrlQuery) {
    return viewResourceTypes((await this.open(principal, query)).baseUrl);
  }

  @Get('ResourceTypes/:name')
  @Access('scim:read')
  @ApiOperation({ summary: 'A kind of resources' })
  @ApiOkResponse({ type: ScimResourceTypeView })
  async resourceType(@Caller() principal: Principal, @Param('name') name: string, @Query() query: UrlQuery) {
    const view = findResourceTypeView(name, (await this.open(principal, query)).baseUrl);
    if (!view) throw new Problem('not_found', 'There is no such resource type.');
    return view;
  }

  @Get('Schemas')
  @Access('scim:read')
  @ApiOperation({ summary: 'The schemas of all resources' })
  @ApiOkResponse({ type: ScimSchemaListView })
  async schemas(@Caller() principal: Principal, @Query() query: UrlQuery) {
    return viewSchemas((await this.open(principal, query)).baseUrl);
  }

  @Get('Schemas/:urn')
  @Access('scim:read')
  @ApiOperation({ summary: 'A schema, by its URN' })
  @ApiOkResponse({ type: ScimSchemaView })
  async schema(@Caller() principal: Principal, @Param('urn') urn: string, @Query() query: UrlQuery) {
    const view = findSchemaView(urn, (await this.open(principal, query)).baseUrl);
    if (!view) throw new Problem('not_found', 'There is no such schema.');
    return view;
  }

  private open(principal: Principal, query: UrlQuery) {
    if (Object.keys(query).some((name) => name.toLowerCase() === 'filter')) {
      throw new Problem('forbidden', 'What the server says of itself cannot be filtered.');
    }
    return this.directories.open(principal);
  }
}
