import { Controller, Get, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Access, publicAccess } from './access.js';
import { HealthRegistry } from './health.js';
import { LivenessView, ReadinessView } from './health.dto.js';

@ApiTags('operation')
@Controller('health')
export class HealthController {
  constructor(private readonly health: HealthRegistry) {}

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
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<ReadinessView> {
    const readiness = await this.health.read();
    const isReady = readiness.status === 'ready' || readiness.status === 'degraded';
    void reply.status(isReady ? 200 : 503);
    return readiness;
  }
}
