import { Body, Controller, Param, Post } from '@nestjs/common';
import { ApiBody, ApiCreatedResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Access, Caller, type Principal } from '../../platform/access.js';
import { IssueSyncKeyBody, SyncKeyView } from './sync-keys.dto.js';
import { SyncKeysService } from './sync-keys.service.js';

@ApiTags('connections')
@Controller('connections')
export class SyncKeysController {
  constructor(private readonly keys: SyncKeysService) {}

  /** A connection has one such key: a new one replaces it, at once or after `overlapSeconds`. */
  @Post(':id/sync-key')
  @Access('api-keys:write')
  @ApiOperation({
    summary: 'Issue the key by which another Rollcall follows the connection; the answer shows it, this once',
  })
  @ApiBody({ type: IssueSyncKeyBody, required: false })
  @ApiCreatedResponse({ type: SyncKeyView })
  issue(@Caller() principal: Principal, @Param('id') id: string, @Body() body: IssueSyncKeyBody): Promise<SyncKeyView> {
    return this.keys.issue(principal, id, body.overlapSeconds ?? 0);
  }
}
