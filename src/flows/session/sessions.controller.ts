import { Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Access, Caller, type Principal } from '../../platform/access.js';
import { SessionsService } from '../../records/sessions/sessions.service.js';
import { SessionFlowService } from './session-flow.service.js';
import { EndedView, SessionListView, SessionQuery } from './session.dto.js';

@ApiTags('sessions')
@Controller()
export class SessionsController {
  constructor(
    private readonly flow: SessionFlowService,
    private readonly sessions: SessionsService,
  ) {}

  @Get('sessions')
  @Access('sessions:read')
  @ApiOperation({ summary: "The tenant's sessions, the newest first" })
  @ApiOkResponse({ type: SessionListView })
  list(@Caller() caller: Principal, @Query() query: SessionQuery): Promise<SessionListView> {
    return this.flow.list(caller, query);
  }

  @Delete('sessions/:id')
  @Access('sessions:end')
  @HttpCode(204)
  @ApiOperation({ summary: 'End a session' })
  @ApiNoContentResponse()
  end(@Caller() caller: Principal, @Param('id') id: string): Promise<void> {
    return this.sessions.end(caller, id, 'ended_by_admin');
  }

  @Post('users/:id/end-sessions')
  @Access('sessions:end')
  @HttpCode(200)
  @ApiOperation({ summary: 'End all sessions of a user; no token from before logs in again' })
  @ApiOkResponse({ type: EndedView })
  async endAll(@Caller() caller: Principal, @Param('id') id: string): Promise<EndedView> {
    return { ended: await this.sessions.endAllOfUser(caller, id) };
  }
}
