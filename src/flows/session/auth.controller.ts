import { Body, Controller, Delete, Get, Header, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Access, anyPrincipal, Caller, type Principal, publicAccess } from '../../platform/access.js';
import { Problems } from '../../platform/openapi.js';
import { Problem } from '../../platform/problem.js';
import { Limits } from '../../platform/route-limits.js';
import { SessionsService } from '../../records/sessions/sessions.service.js';
import { TokenAnswer } from '../../records/sessions/token-answer.dto.js';
import { MeView } from './me.dto.js';
import { SessionFlowService } from './session-flow.service.js';
import { PageQuery } from '../../platform/page-query.dto.js';
import { SessionRefreshService } from './session-refresh.service.js';
import { RefreshBody, SessionListView } from './session.dto.js';

@ApiTags('auth')
@Controller('auth')
export class AuthController {
  constructor(
    private readonly flow: SessionFlowService,
    private readonly refreshing: SessionRefreshService,
    private readonly sessions: SessionsService,
  ) {}

  @Post('refresh')
  @Access(publicAccess)
  @Limits({ rate: 'login' })
  @Problems('too_many_requests')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Exchange a refresh token for the next one and a new access token' })
  @ApiOkResponse({ type: TokenAnswer })
  refresh(@Body() body: RefreshBody): Promise<TokenAnswer> {
    return this.refreshing.refresh(body.refresh_token);
  }

  @Post('logout')
  @Access(anyPrincipal)
  @HttpCode(204)
  @ApiOperation({ summary: 'End this session' })
  @ApiNoContentResponse()
  logout(@Caller() caller: Principal): Promise<void> {
    return this.sessions.end(caller, sessionOf(caller), 'logout');
  }

  @Get('me')
  @Access(anyPrincipal)
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Who am I, what may I do, and where did each role come from' })
  @ApiOkResponse({ type: MeView })
  getMe(@Caller() caller: Principal): Promise<MeView> {
    return this.flow.describeCaller(caller);
  }

  @Get('sessions')
  @Access(anyPrincipal)
  @ApiOperation({ summary: "The caller's own sessions, the newest first" })
  @ApiOkResponse({ type: SessionListView })
  listMySessions(@Caller() caller: Principal, @Query() page: PageQuery): Promise<SessionListView> {
    sessionOf(caller);
    return this.flow.list(caller, { ...page, user: caller.id });
  }

  @Delete('sessions/:id')
  @Access(anyPrincipal)
  @HttpCode(204)
  @ApiOperation({ summary: "End one of the caller's own sessions" })
  @ApiNoContentResponse()
  endMySession(@Caller() caller: Principal, @Param('id') id: string): Promise<void> {
    sessionOf(caller);
    return this.sessions.end(caller, id, 'logout', caller.id);
  }
}

function sessionOf(caller: Principal): string {
  if (caller.sessionId === null) throw new Problem('forbidden', 'Only a user has sessions; this is an API key.');
  return caller.sessionId;
}
