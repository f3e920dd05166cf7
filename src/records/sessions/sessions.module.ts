import { Module, type OnModuleInit } from '@nestjs/common';
import { Checkpoints } from '../../ledger/checkpoints.js';
import { DAY } from '../../platform/clock.js';
import { Sweeper } from '../../platform/sweeper.js';
import { ApiKeysModule } from '../api-keys/api-keys.module.js';
import { AccessTokenStrategy } from './access-token.strategy.js';
import { RefreshService } from './refresh.service.js';
import { SessionPrincipals } from './session-principals.js';
import { SessionsService } from './sessions.service.js';
import { SigningKeysService } from './signing-keys.service.js';
import { WellKnownController } from './well-known.controller.js';

/**
 * Owns sessions, their refresh tokens, the access tokens that are signed for them (RFC 9068), and the keys that sign.
 * Does not own how a session begins (a login does) nor what a user may do (users and roles say that).
 *
 * What is switched off counts at once at this API, which reads session, user and roles with each request; at an
 * application that checks access tokens offline it counts within ACCESS_TOKEN_SECONDS, 15 minutes at most (F8).
 */
@Module({
  imports: [ApiKeysModule],
  controllers: [WellKnownController],
  providers: [SigningKeysService, SessionsService, RefreshService, SessionPrincipals, AccessTokenStrategy],
  exports: [SigningKeysService, SessionsService, RefreshService],
})
export class SessionsModule implements OnModuleInit {
  constructor(
    private readonly sweeper: Sweeper,
    private readonly checkpoints: Checkpoints,
    private readonly keys: SigningKeysService,
  ) {}

  onModuleInit(): void {
    this.checkpoints.signWith((text) => this.keys.sign(text));
    this.sweeper.add(
      { table: 'used_refresh_tokens', key: ['sessionId', 'tokenHash'], keepMicros: DAY },
      // Kept for a while, so that admins can see where a user was logged in.
      { table: 'sessions', key: ['id'], keepMicros: 30 * DAY },
    );
  }
}
