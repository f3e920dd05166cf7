import { Body, Controller, HttpCode, Param, Post, Res, StreamableFile } from '@nestjs/common';
import { ApiAcceptedResponse, ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Readable } from 'node:stream';
import { Access, Caller, type Principal } from '../../platform/access.js';
import { Problems } from '../../platform/openapi.js';
import { PullAcceptedView, PullBody, SourceResumedView } from './pull.dto.js';
import { PullPreviews } from './pull-previews.js';
import { PullsService } from './pulls.service.js';

@ApiTags('connections')
@Controller('connections')
export class PullsController {
  constructor(
    private readonly pulls: PullsService,
    private readonly previews: PullPreviews,
  ) {}

  @Post(':id/sync')
  @HttpCode(202)
  @Access('users:sync')
  @Problems('conflict', 'not_found', 'overloaded', 'source_suspended')
  @ApiOperation({
    summary: 'Read the source of a connection now',
    description:
      'The answer comes at once, with the address of the run. While the source is being read it is 409. With `dryRun` ' +
      'the answer is a line for each record, as of a stream, while the source is being read for it.',
  })
  @ApiBody({ type: PullBody, required: false })
  @ApiOkResponse({ content: { 'application/x-ndjson': { schema: { type: 'string' } } } })
  @ApiAcceptedResponse({ type: PullAcceptedView, headers: { Location: { schema: { type: 'string' } } } })
  async start(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Body() body: PullBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PullAcceptedView | StreamableFile> {
    if (body.dryRun === true) {
      const lines = await this.previews.preview(principal, id, body.full);
      void reply.status(200);
      return new StreamableFile(Readable.from(lines, { objectMode: false }), { type: 'application/x-ndjson' });
    }
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
