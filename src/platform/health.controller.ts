import { Controller, Get, Headers, Inject, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Access, publicAccess } from './access.js';
import { CONFIG, type Config } from './config.js';
import { HealthRegistry } from './health.js';
import { LivenessView, ReadinessView } from './health.dto.js';
import { isForOperators } from './operators-word.js';

const FOR_OPERATORS = 'Whoever sends METRICS_TOKEN is told more.';

@ApiTags('operation')
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthRegistry,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Get('live')
  @Access(publicAccess)
  @ApiOperation({ summary: 'Whether the process runs' })
  @ApiOkResponse({ description: 'It does.', type: LivenessView })
  live(): LivenessView {
    return { status: 'ok' };
  }

  @Get('ready')
  @Access(publicAccess)
  @ApiOperation({ summary: 'Whether this instance can serve' })
  @ApiOkResponse({ description: 'It can; what is degraded is named.', type: ReadinessView })
  @ApiServiceUnavailableResponse({ description: 'It cannot: no database, or it is stopping.', type: ReadinessView })
  async ready(
    @Headers('authorization') authorization: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ReadinessView> {
    const { status, degraded } = await this.health.read();
    void reply.status(status === 'ready' || status === 'degraded' ? 200 : 503);
    // Which customers' providers are down is not for everybody who may ask whether the service is up.
    if (isForOperators(this.config, authorization)) return { status, degraded };
    return { status, degraded: degraded.map(({ name }) => ({ name, detail: FOR_OPERATORS })) };
  }
}
