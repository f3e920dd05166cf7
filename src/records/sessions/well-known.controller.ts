import { Controller, Get, Header, Inject } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Access, publicAccess } from '../../platform/access.js';
import { Clock } from '../../platform/clock.js';
import { type Config, publicUrlOf } from '../../platform/config.js';
import { CONFIG } from '../../platform/config.js';
import { ACCESS_TOKEN_ALGORITHM } from './access-token.js';
import { JWKS_MAX_AGE_SECONDS } from './signing-key-rules.js';
import { SigningKeysService } from './signing-keys.service.js';
import { KeySetView, ServerMetadataView } from './well-known.dto.js';

const CACHE = `public, max-age=${JWKS_MAX_AGE_SECONDS}`;

@ApiTags('well-known')
@Controller('.well-known')
export class WellKnownController {
  private readonly issuer: string;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly keys: SigningKeysService,
    private readonly clock: Clock,
  ) {
    this.issuer = publicUrlOf(config);
  }

  @Get('jwks.json')
  @Access(publicAccess)
  @Header('Cache-Control', CACHE)
  @ApiOperation({ summary: 'The public keys that access tokens are checked with' })
  @ApiOkResponse({ type: KeySetView })
  getKeySet(): Promise<KeySetView> {
    return this.keys.getKeySet(this.clock.now());
  }

  @Get('oauth-authorization-server')
  @Access(publicAccess)
  @Header('Cache-Control', CACHE)
  @ApiOperation({ summary: 'Where the keys are, and what issuer to expect' })
  @ApiOkResponse({ type: ServerMetadataView })
  getMetadata(): ServerMetadataView {
    return {
      issuer: this.issuer,
      jwks_uri: `${this.issuer}/.well-known/jwks.json`,
      // Rollcall has no authorization endpoint: people sign in at their IdP.
      response_types_supported: [],
      access_token_signing_alg_values_supported: [ACCESS_TOKEN_ALGORITHM],
    };
  }
}
