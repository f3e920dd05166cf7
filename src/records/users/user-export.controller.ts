import { Controller, Get, Param, Query, StreamableFile } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import { Access, Caller, type Principal } from '../../platform/access.js';
import { UserExportService } from './user-export.service.js';
import { ExportQuery, RecordQuery, UserRecordView } from './user-record.dto.js';

@ApiTags('users')
@Controller('users')
export class UserExportController {
  constructor(private readonly exports: UserExportService) {}

  @Get('export')
  @Access('users:export', 'sync:read')
  @ApiOperation({ summary: 'All users as NDJSON: first the position in the change feed, then a sync record a line' })
  @ApiProduces('application/x-ndjson')
  @ApiOkResponse({ schema: { type: 'string' } })
  async export(@Caller() principal: Principal, @Query() query: ExportQuery): Promise<StreamableFile> {
    const stream = await this.exports.open(principal, query);
    return new StreamableFile(stream, { type: 'application/x-ndjson' });
  }

  @Get(':id/record')
  @Access('users:export')
  @ApiOperation({ summary: 'One user in the shape of a sync record' })
  @ApiOkResponse({ type: UserRecordView })
  record(
    @Caller() principal: Principal,
    @Param('id') id: string,
    @Query() query: RecordQuery,
  ): Promise<UserRecordView> {
    return this.exports.record(principal, id, query.connection ?? null);
  }
}
