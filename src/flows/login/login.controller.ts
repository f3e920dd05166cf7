import { Body, Controller, Header, HttpCode, Post, Req } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Access, publicAccess } from '../../platform/access.js';
import { Problems } from '../../platform/openapi.js';
import { Limits } from '../../platform/route-limits.js';
import { LoginAnswer, CredentialBody } from './login.dto.js';
import { LoginService } from './login.service.js';

@ApiTags('auth')
@Controller('auth')
export class LoginController {
  constructor(private readonly logins: LoginService) {}

  @Post('login')
  @Access(publicAccess)
  @Limits({ rate: 'login' })
  @Problems(
    'login_refused',
    'no_rule_matched',
    'connection_ambiguous',
    'conflict',
    'too_many_requests',
    'idp_unavailable',
    'overloaded',
  )
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'Log in',
    description:
      "With an identity provider's token (in the body or as `Authorization: Bearer`), with an API key, or with a local " +
      "admin's password. The person and their roles are brought up to date from the token's claims first.",
  })
  @ApiBody({ type: CredentialBody, required: false })
  @ApiOkResponse({ type: LoginAnswer })
  // `CredentialBody` alone: of a union nothing would be left at run time, and the body would not be checked.
  login(@Body() body: CredentialBody, @Req() request: FastifyRequest): Promise<LoginAnswer> {
    const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? null;
    return this.logins.login(body, bearer, {
      address: request.ip,
      userAgent: request.headers['user-agent'] ?? null,
      requestId: request.id,
    });
  }
}
