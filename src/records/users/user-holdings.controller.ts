import { Body, Controller, Delete, Headers, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Access, Caller, type Principal } from '../../platform/access.js';
import { withEtag } from '../../platform/versions.js';
import type { HeldName } from './edit-person.js';
import { UserHoldingsService } from './user-holdings.service.js';
import { UserView } from './user-view.dto.js';
import { AdminWordBody, ConfirmGrantsBody, ReasonQuery, UserEntitlementPath, UserRolePath } from './users.dto.js';

const IF_MATCH = { name: 'If-Match', required: false, description: 'The `ETag` of the version that you have read.' };

@ApiTags('users')
@Controller('users/:id')
export class UserHoldingsController {
  constructor(private readonly holdings: UserHoldingsService) {}

  @Post('grants/confirm')
  @Access('roles:grant')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Let parked grants by hand count again',
    description:
      'When a connection gives an account to another externalId, what admins granted its user is parked: a namesake must ' +
      'not inherit. Confirm it here, all or what is named; take it away with DELETE.',
  })
  @ApiHeader(IF_MATCH)
  @ApiOkResponse({ type: UserView })
  async confirm(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Body() body: ConfirmGrantsBody,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserView> {
    const options = { ifMatch, reason: body?.reason };
    return withEtag(reply, await this.holdings.confirm(principal, id, namesIn(body), options));
  }

  @Put('roles/:key')
  @Access('roles:grant')
  @ApiOperation({ summary: 'Grant a role by hand' })
  @ApiHeader(IF_MATCH)
  @ApiOkResponse({ type: UserView })
  async grantRole(
    @Caller() principal: Principal,
    @Param() { id, key }: UserRolePath,
    @Body() body: AdminWordBody,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserView> {
    const options = { ifMatch, reason: body?.reason, until: body?.until };
    return withEtag(reply, await this.holdings.grant(principal, id, { kind: 'role', key }, options));
  }

  @Delete('roles/:key')
  @Access('roles:grant')
  @ApiOperation({ summary: 'Take a grant by hand away' })
  @ApiHeader(IF_MATCH)
  @ApiOkResponse({ type: UserView })
  async revokeRole(
    @Caller() principal: Principal,
    @Param() { id, key }: UserRolePath,
    @Query() query: ReasonQuery,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserView> {
    const options = { ifMatch, reason: query.reason };
    return withEtag(reply, await this.holdings.revoke(principal, id, { kind: 'role', key }, options));
  }

  @Put('entitlements/:text')
  @Access('roles:grant')
  @ApiOperation({ summary: 'Give an entitlement by hand' })
  @ApiHeader(IF_MATCH)
  @ApiOkResponse({ type: UserView })
  async grantEntitlement(
    @Caller() principal: Principal,
    @Param() { id, text: key }: UserEntitlementPath,
    @Body() body: AdminWordBody,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserView> {
    const options = { ifMatch, reason: body?.reason, until: body?.until };
    return withEtag(reply, await this.holdings.grant(principal, id, { kind: 'entitlement', key }, options));
  }

  @Delete('entitlements/:text')
  @Access('roles:grant')
  @ApiOperation({ summary: 'Take an entitlement given by hand away' })
  @ApiHeader(IF_MATCH)
  @ApiOkResponse({ type: UserView })
  async revokeEntitlement(
    @Caller() principal: Principal,
    @Param() { id, text: key }: UserEntitlementPath,
    @Query() query: ReasonQuery,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserView> {
    const options = { ifMatch, reason: query.reason };
    return withEtag(reply, await this.holdings.revoke(principal, id, { kind: 'entitlement', key }, options));
  }

  @Put('blocks/roles/:key')
  @Access('roles:grant')
  @ApiOperation({ summary: 'Block a role, whoever grants it' })
  @ApiHeader(IF_MATCH)
  @ApiOkResponse({ type: UserView })
  async blockRole(
    @Caller() principal: Principal,
    @Param() { id, key }: UserRolePath,
    @Body() body: AdminWordBody,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserView> {
    const options = { ifMatch, reason: body?.reason, until: body?.until };
    return withEtag(reply, await this.holdings.block(principal, id, { kind: 'role', key }, options));
  }

  @Delete('blocks/roles/:key')
  @Access('roles:grant')
  @ApiOperation({ summary: 'Lift the block of a role' })
  @ApiHeader(IF_MATCH)
  @ApiOkResponse({ type: UserView })
  async unblockRole(
    @Caller() principal: Principal,
    @Param() { id, key }: UserRolePath,
    @Query() query: ReasonQuery,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserView> {
    const options = { ifMatch, reason: query.reason };
    return withEtag(reply, await this.holdings.unblock(principal, id, { kind: 'role', key }, options));
  }

  @Put('blocks/entitlements/:text')
  @Access('roles:grant')
  @ApiOperation({ summary: 'Block an entitlement, whoever grants it' })
  @ApiHeader(IF_MATCH)
  @ApiOkResponse({ type: UserView })
  async blockEntitlement(
    @Caller() principal: Principal,
    @Param() { id, text: key }: UserEntitlementPath,
    @Body() body: AdminWordBody,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserView> {
    const options = { ifMatch, reason: body?.reason, until: body?.until };
    return withEtag(reply, await this.holdings.block(principal, id, { kind: 'entitlement', key }, options));
  }

  @Delete('blocks/entitlements/:text')
  @Access('roles:grant')
  @ApiOperation({ summary: 'Lift the block of an entitlement' })
  @ApiHeader(IF_MATCH)
  @ApiOkResponse({ type: UserView })
  async unblockEntitlement(
    @Caller() principal: Principal,
    @Param() { id, text: key }: UserEntitlementPath,
    @Query() query: ReasonQuery,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserView> {
    const options = { ifMatch, reason: query.reason };
    return withEtag(reply, await this.holdings.unblock(principal, id, { kind: 'entitlement', key }, options));
  }
}

/** Null where the body names nothing. */
function namesIn(body: ConfirmGrantsBody | undefined): HeldName[] | null {
  if (!body?.roles && !body?.entitlements) return null;
  return [
    ...(body.roles ?? []).map((key): HeldName => ({ kind: 'role', key })),
    ...(body.entitlements ?? []).map((key): HeldName => ({ kind: 'entitlement', key })),
  ];
}
