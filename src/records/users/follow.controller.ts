import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Access, Caller, type Principal } from '../../platform/access.js';
import { DigestQuery, FindRecordsBody, FoundRecordsView, PeopleDigestView } from './follow.dto.js';
import { FollowService } from './follow.service.js';

@ApiTags('users')
@Controller('users')
export class FollowController {
  constructor(private readonly follow: FollowService) {}

  @Post('records')
  @Access('users:export', 'sync:read')
  @HttpCode(200)
  @ApiOperation({ summary: 'Up to 500 users by id in the shape of sync records, as they are now' })
  @ApiOkResponse({ type: FoundRecordsView })
  findRecords(@Caller() principal: Principal, @Body() body: FindRecordsBody): Promise<FoundRecordsView> {
    return this.follow.findRecords(principal, body.ids);
  }

  @Get('digest')
  @Access('users:export', 'sync:read')
  @ApiOperation({ summary: 'How many users there are, and a digest of their versions, to compare a copy with' })
  @ApiOkResponse({ type: PeopleDigestView })
  digest(@Caller() principal: Principal, @Query() query: DigestQuery): Promise<PeopleDigestView> {
    return this.follow.digest(principal, query.after ?? null);
  }
}
