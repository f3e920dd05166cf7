import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Access, Caller, type Principal } from '../platform/access.js';
import { FeedQueryDto, FeedView } from './event.dto.js';
import { EventFeed } from './event-feed.js';
import { toEventView } from './event-view.js';

@ApiTags('events')
@Controller('events')
export class EventsController {
  constructor(private readonly feed: EventFeed) {}

  /**
   * Changes in the order of their numbers, without logins. A reader that passes the `position` of the last answer as
   * `after` sees each once.
   */
  @Get()
  @Access('events:read')
  @ApiOperation({ summary: 'Read the change feed' })
  @ApiOkResponse({ type: FeedView })
  async readEvents(
    @Caller() caller: Principal,
    @Query() query: FeedQueryDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<FeedView> {
    const { after = 0, limit = 50, wait = 0 } = query;
    const gone = new AbortController();
    const leave = (): void => gone.abort();
    request.raw.socket.once('close', leave);
    try {
      const page = await this.feed.read(caller.tenantId, after, limit, wait * 1000, gone.signal);
      // A connection that stays open after its last answer would hold up the shutdown until it times out.
      if (page.stopping) void reply.header('connection', 'close');
      return { items: page.rows.map(toEventView), position: page.position };
    } finally {
      request.raw.socket.off('close', leave);
    }
  }
}
