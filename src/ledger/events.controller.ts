import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Access, Caller, type Principal } from '../platform/access.js';
import { Problem } from '../platform/problem.js';
import { FeedQueryDto, FeedView } from './event.dto.js';
import { EventFeed } from './event-feed.js';
import { toEventView, toFollowerView } from './event-view.js';

@ApiTags('events')
@Controller('events')
export class EventsController {
  constructor(private readonly feed: EventFeed) {}

  /**
   * Changes in the order of their numbers, without logins. A reader that passes the `position` of the last answer as
   * `after` sees each once. The sync key of a connection reads those of its people, without reasons.
   */
  @Get()
  @Access('events:read', 'sync:read')
  @ApiOperation({ summary: 'Read the change feed' })
  @ApiOkResponse({ type: FeedView })
  async readEvents(
    @Caller() caller: Principal,
    @Query() query: FeedQueryDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<FeedView> {
    const { after = 0, limit = 50, wait = 0 } = query;
    const view = isFollower(caller) ? toFollowerView : toEventView;
    const gone = new AbortController();
    const leave = (): void => gone.abort();
    request.raw.socket.once('close', leave);
    try {
      const page = await this.feed.read(readerOf(caller), after, limit, wait * 1000, gone.signal);
      // A connection that stays open after its last answer would hold up the shutdown until it times out.
      if (page.stopping) void reply.header('connection', 'close');
      return { items: page.rows.map(view), position: page.position, head: page.head };
    } finally {
      request.raw.socket.off('close', leave);
    }
  }
}

/** Who has the key of a connection to follow it. */
function isFollower({ permissions }: Principal): boolean {
  return !permissions.has('events:read');
}

function readerOf(caller: Principal): { tenantId: string; connectionId: string | null } {
  const { tenantId, connectionId } = caller;
  if (!isFollower(caller)) return { tenantId, connectionId: null };
  if (connectionId === null) throw new Problem('forbidden', 'This needs the sync key of a connection.');
  return { tenantId, connectionId };
}
