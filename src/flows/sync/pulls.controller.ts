import { Body, Controller, HttpCode, Param, Post, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Access, Caller, type Principal } from '../../platform/access.js';
import { Problems } from '../../platform/openapi.js';
import { PullAcceptedView, PullBody, SourceResumedView } from './pull.dto.js';
import { PullsService } from './pulls.service.js';

@ApiTags('connections')
@Controller('connections')
export class PullsController {
  constructor(private readonly pulls: PullsService) {}

  @Post(':id/sync')
  @HttpCode(202)
  @Access('users:sync')
  @Problems('conflict', 'not_found', 'source_suspended')
  @ApiOperation({
    summary: 'Read the source of a connection now',
    description: 'The answer comes at once, with the address of the run. While the source is being read it is 409.',
  })
  @ApiBody({ type: PullBody, required: false })
  @ApiAcceptedResponse({ type: PullAcceptedView, headers: { Location: { schema: { type: 'string' } } } })
  async start(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Body() body: PullBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PullAcceptedView> {
    const run = await this.pulls.start(principal, id, body.full);
    void reply.header('location', `/sync-runs/${run}`);
    return { run, status: 'running' };
  }

  @Post(':id/resume')
  @HttpCode(200)
  @Access('connections:write')
  @Problems('conflict', 'not_found', 'source_failed')
  @ApiOperation({
    summary: 'Let a suspended source be read again',
    description: 'It is read once to see whether it answers; if not, it stays suspended.',
  })
  @ApiOkResponse({ type: SourceResumedView })
  async resume(@Caller() principal: Principal, @Param('id') id: string): Promise<SourceResumedView> {
    return SourceResumedView.toView(await this.pulls.resume(principal, id));
  }
}
