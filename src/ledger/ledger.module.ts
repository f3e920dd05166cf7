import { Global, Module } from '@nestjs/common';
import { LedgerService } from './ledger.service.js';

/**
 * Owns events: append-only, written inside the caller's transaction, numbered and sealed after it.
 * Does not own what an event means: features name their types. Global, because every feature writes to it.
 */
@Global()
@Module({ providers: [LedgerService], exports: [LedgerService] })
export class LedgerModule {}
