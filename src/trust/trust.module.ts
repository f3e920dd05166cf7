import { Module } from '@nestjs/common';
import { KeySets } from './key-sets.js';
import { TrustService } from './trust.service.js';

/**
 * Owns: which tokens of which connection are believed; the keys of IdPs and when they are fetched.
 * Does not own: connections as they are stored, `jti`s that were used, who the subject is, HTTP.
 * Standards: RFC 7515, 7517, 7518, 7519, 8037, 8725 (and its revision), 9864; OpenID Connect Core and Discovery 1.0.
 *
 * Needs from a global module: `Clock`, `Outbound`, `KeySetOptions`, `TrustOptions`.
 */
@Module({ providers: [KeySets, TrustService], exports: [KeySets, TrustService] })
export class TrustModule {}
