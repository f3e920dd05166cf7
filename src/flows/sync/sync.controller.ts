import { Body, Controller, Headers, HttpCode, Post } from '@nestjs/common';
import {
  ApiBody,
  ApiExtraModels,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import { Access, Caller, type Principal } from '../../platform/access.js';
import { Problems } from '../../platform/openapi.js';
import { Limits, MEBIBYTE } from '../../platform/route-limits.js';
import { SyncAnswerDto, SyncEnvelopeDto, SyncRecordDto } from './sync.dto.js';
import { SyncService } from './sync.service.js';

@ApiTags('sync')
@Controller('users/sync')
export class SyncController {
  constructor(private readonly syncs: SyncService) {}

  /** The body is read by hand, not by decorators: a push has thousands of records, most of them unchanged. */
  @Post()
  @HttpCode(200)
  @Access('users:sync')
  @Limits({ bodyBytesMax: 16 * MEBIBYTE, readsBody: true })
  @Problems('batch_refused', 'conflict', 'idempotency_in_progress', 'idempotency_mismatch', 'overloaded')
  @ApiOperation({
    summary: 'Push users',
    description:
      'One record, an array of at most 10,000, or an envelope. Valid records are applied though others fail, unless ' +
      '`atomic` is asked; the answer has a result for each record, in order.',
  })
  @ApiExtraModels(SyncRecordDto, SyncEnvelopeDto)
  @ApiBody({
    schema: {
      anyOf: [
        { $ref: getSchemaPath(SyncRecordDto) },
        { type: 'array', items: { $ref: getSchemaPath(SyncRecordDto) }, maxItems: 10_000 },
        { $ref: getSchemaPath(SyncEnvelopeDto) },
      ],
    },
  })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: 'The same request under the same key has one effect and one answer, for 24 hours.',
  })
  @ApiOkResponse({ type: SyncAnswerDto })
  sync(
    @Caller() principal: Principal,
    @Body() body: unknown,
    @Headers('idempotency-key') idempotencyKey?: string,
  ): Promise<SyncAnswerDto> {
    return this.syncs.sync(principal, Buffer.isBuffer(body) ? body : Buffer.alloc(0), idempotencyKey ?? null);
  }
}
