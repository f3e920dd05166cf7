import { Body, Controller, HttpCode, Param, Post, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Access, Caller, type Principal } from '../../platform/access.js';
import { withEtag } from '../../platform/versions.js';
import { UserLinksService } from './user-links.service.js';
import { SplitView, UserView } from './user-view.dto.js';
import { MergeBody, ReasonBody } from './users.dto.js';

@ApiTags('users')
@Controller('users/:id')
export class UserLinksController {
  constructor(private readonly links: UserLinksService) {}

  @Post('merge')
  @Access('identities:link')
  @HttpCode(200)
  @ApiOperation({ summary: 'Merge another user into this one; the sessions of both end' })
  @ApiOkResponse({ type: UserView })
  async merge(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Body() body: MergeBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserView> {
    return withEtag(reply, await this.links.merge(principal, id, body.from, body.reason ?? null));
  }

  @Post('identities/:identityId/split')
  @Access('identities:link')
  @HttpCode(200)
  @ApiOperation({ summary: 'Make a user of its own of one identity; what admins granted stays' })
  @ApiOkResponse({ type: SplitView })
  split(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Param('identityId') identityId: string,
    @Body() body: ReasonBody,
  ): Promise<SplitView> {
    return this.links.split(principal, id, identityId, body?.reason ?? null);
  }
}
