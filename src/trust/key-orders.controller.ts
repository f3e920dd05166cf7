import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Access, Caller, type Principal } from '../platform/access.js';
import { BanKeyBody, KeyOrdersView } from './key-orders.dto.js';
import { KeyOrdersService } from './key-orders.service.js';

@ApiTags('connections')
@Controller('connections')
export class KeyOrdersController {
  constructor(private readonly orders: KeyOrdersService) {}

  @Post(':id/keys/purge')
  @HttpCode(200)
  @Access('connections:trust')
  @ApiOperation({
    summary: "Forget the provider's keys",
    description: 'The next login fetches them anew, on every instance: for a key that the provider has withdrawn.',
  })
  @ApiOkResponse({ type: KeyOrdersView })
  purge(@Caller() caller: Principal, @Param('id') id: string): Promise<KeyOrdersView> {
    return this.orders.purge(caller, id);
  }

  @Post(':id/keys/ban')
  @HttpCode(200)
  @Access('connections:trust')
  @ApiOperation({
    summary: 'Ban a key of the provider, or lift the ban (`banned: false`)',
    description: 'From now on no token under it logs in, on any instance, although the provider publishes it.',
  })
  @ApiOkResponse({ type: KeyOrdersView })
  ban(@Caller() caller: Principal, @Param('id') id: string, @Body() body: BanKeyBody): Promise<KeyOrdersView> {
    return this.orders.ban(caller, id, body.kid, body.banned ?? true);
  }
}
