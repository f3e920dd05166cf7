import { Global, Module } from '@nestjs/common';
import { AuditEventsController } from './audit-events.controller.js';
import { Checkpoints } from './checkpoints.js';
import { EventFeed } from './event-feed.js';
import { EventReader } from './event-reader.js';
import { EventWaiters } from './event-waiters.js';
import { EventsController } from './events.controller.js';
import { LedgerPulse } from './ledger-pulse.js';
import { LedgerService } from './ledger.service.js';
import { LoginFailures } from './login-failures.js';
import { Sequencer } from './sequencer.js';

/**
 * Owns events: append-only, written inside the caller's transaction, numbered and sealed after it, read once they have
 * a number. Also refused logins, of which a flood becomes counts, and checkpoints, which it makes with the key of
 * whoever calls `Checkpoints.signWith` (nobody: none).
 * Does not own what an event means: features name their types; attempts, which change nothing, begin with `login.`.
 * Global, because every feature writes to it.
 */
@Global()
@Module({
  controllers: [EventsController, AuditEventsController],
  providers: [LedgerService, LedgerPulse, Sequencer, EventReader, EventWaiters, EventFeed, Checkpoints, LoginFailures],
  exports: [LedgerService, Sequencer, EventReader, Checkpoints, LoginFailures],
})
export class LedgerModule {}
