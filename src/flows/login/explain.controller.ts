import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Access, Caller, type Principal } from '../../platform/access.js';
import { ExplainAnswer, ExplainBody } from './explain.dto.js';
import { ExplainService } from './explain.service.js';

@ApiTags('connections')
@Controller('connections')
export class ExplainController {
  constructor(private readonly explanations: ExplainService) {}

  @Post(':id/explain')
  @HttpCode(200)
  @Access('connections:read')
  @ApiOperation({
    summary: 'Explain a login',
    description:
      'Every check of a token with its verdict, every rule with what it saw, and the plan that a login would apply. ' +
      'Writes nothing; the same code as the login.',
  })
  @ApiOkResponse({ type: ExplainAnswer })
  explain(@Caller() caller: Principal, @Param('id') id: string, @Body() body: ExplainBody): Promise<ExplainAnswer> {
    return this.explanations.explain(caller, id, body);
  }
}
