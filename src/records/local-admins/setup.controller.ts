import { Body, Controller, Get, HttpCode, Post, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Access, publicAccess } from '../../platform/access.js';
import { LinkBody, LinkPurposeView, SetupBody, SetupView } from './local-admins.dto.js';
import { SETUP_PAGE, SETUP_PAGE_POLICY } from './setup-page.js';
import { SetupService } from './setup.service.js';

@ApiTags('setup')
@Controller('setup')
export class SetupController {
  constructor(private readonly setup: SetupService) {}

  @Get()
  @Access(publicAccess)
  @ApiOperation({ summary: 'The page behind one-time links' })
  @ApiProduces('text/html')
  @ApiOkResponse({ schema: { type: 'string' } })
  page(@Res({ passthrough: true }) reply: FastifyReply): string {
    void reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', SETUP_PAGE_POLICY)
      .header('referrer-policy', 'no-referrer')
      .header('x-content-type-options', 'nosniff')
      .header('cache-control', 'no-store');
    return SETUP_PAGE;
  }

  @Post('link')
  @Access(publicAccess)
  @HttpCode(200)
  @ApiOperation({ summary: 'What a one-time link is for' })
  @ApiOkResponse({ type: LinkPurposeView })
  describe(@Body() body: LinkBody): Promise<LinkPurposeView> {
    return this.setup.describe(body.token);
  }

  @Post()
  @Access(publicAccess)
  @ApiOperation({ summary: 'Use a one-time link: make the account that it is for, or set its password' })
  @ApiCreatedResponse({ type: SetupView })
  redeem(@Body() body: SetupBody): Promise<SetupView> {
    return this.setup.redeem(body);
  }
}
