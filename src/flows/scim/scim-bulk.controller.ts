import { Body, HttpCode, Post } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { Access, Caller, type Principal } from '../../platform/access.js';
import { Problems } from '../../platform/openapi.js';
import { Limits } from '../../platform/route-limits.js';
import { BULK_LIMITS } from './bulk-limits.js';
import { ScimBulkBody, ScimBulkView } from './scim-bulk.dto.js';
import { ScimBulkService } from './scim-bulk.service.js';
import { ScimController } from './scim-route.js';

@ScimController('Bulk')
export class ScimBulkController {
  constructor(private readonly bulk: ScimBulkService) {}

  @Post()
  @HttpCode(200)
  @Access('scim:write')
  @Limits({ bodyBytesMax: BULK_LIMITS.payloadBytesMax })
  @ApiOperation({
    summary: 'Send many requests at once',
    description:
      'Each is carried out as if it had come alone, in order, but that what others refer to as `bulkId:…` goes first. ' +
      'What is wrong with one is told of it, and the others go on until `failOnErrors`.',
  })
  @ApiBody({ type: ScimBulkBody })
  @ApiOkResponse({ type: ScimBulkView })
  @Problems('scim_invalid_syntax')
  carryOut(@Caller() principal: Principal, @Body() body: unknown): Promise<ScimBulkView> {
    return this.bulk.carryOut(principal, body);
  }
}
