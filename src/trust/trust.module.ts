import { Module } from '@nestjs/common';
import { type Config, publicUrlOf } from '../platform/config.js';
import { OutboundModule } from '../platform/outbound.module.js';
import { CONFIG } from '../platform/config.js';
import { KeySetOptions } from './key-set.js';
import { KeySets } from './key-sets.js';
import { TrustOptions } from './token-policy.js';
import { TrustService } from './trust.service.js';

/**
 * Owns: which tokens of which connection are believed; the keys of IdPs and when they are fetched.
 * Does not own: connections as they are stored, `jti`s that were used, who the subject is, HTTP.
 * Standards: RFC 7515, 7517, 7518, 7519, 8037, 8725 (and its revision), 9864; OpenID Connect Core and Discovery 1.0.
 */
@Module({
  imports: [OutboundModule],
  providers: [
    KeySets,
    TrustService,
    {
      provide: KeySetOptions,
      inject: [CONFIG],
      useFactory: (config: Config) => new KeySetOptions({ allowLoopbackHttp: config.ALLOW_LOOPBACK_HTTP }),
    },
    {
      provide: TrustOptions,
      inject: [CONFIG],
      useFactory: (config: Config) => new TrustOptions({ ownIssuers: [publicUrlOf(config)] }),
    },
  ],
  exports: [KeySets, TrustService],
})
export class TrustModule {}
