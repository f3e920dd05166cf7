import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Access, Caller, type Principal } from '../platform/access.js';
import { ReplanPreviewView } from './replan.dto.js';
import { ReplanPreview } from './replan-preview.js';

@ApiTags('connections')
@Controller('connections')
export class ReplanController {
  constructor(private readonly previews: ReplanPreview) {}

  @Post(':id/dry-run')
  @HttpCode(200)
  @Access('connections:write')
  @ApiOperation({
    summary: 'Show what a change of a connection would do to people',
    description: 'The body is that of PATCH. Answers who would gain and lose what; writes nothing.',
  })
  @ApiBody({ schema: { type: 'object', additionalProperties: true } })
  @ApiOkResponse({ type: ReplanPreviewView })
  preview(@Caller() caller: Principal, @Param('id') id: string, @Body() patch: unknown): Promise<ReplanPreviewView> {
    return this.previews.preview(caller, id, patch);
  }
}
