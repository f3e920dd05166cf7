import { Controller, Get, Header, Inject, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Access, publicAccess } from './access.js';
import { CONFIG, type Config } from './config.js';
import { Metrics } from './metrics.js';
import { isForOperators } from './operators-word.js';
import { Problem } from './problem.js';

@ApiTags('operation')
@Controller()
export class MetricsController {
  constructor(
    private readonly metrics: Metrics,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Needs `Authorization: Bearer` with METRICS_TOKEN where that is set. */
  @Get('metrics')
  @Access(publicAccess)
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  @ApiOperation({ summary: 'Numbers for Prometheus' })
  @ApiProduces('text/plain')
  @ApiOkResponse({ description: 'Prometheus text format.', content: { 'text/plain': { schema: { type: 'string' } } } })
  read(@Req() request: FastifyRequest): Promise<string> {
    if (!isForOperators(this.config, request.headers.authorization)) throw new Problem('unauthenticated');
    return this.metrics.registry.metrics();
  }
}
