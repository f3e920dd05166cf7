import { Module } from '@nestjs/common';
import { KeyOrdersController } from './key-orders.controller.js';
import { KeyOrdersService } from './key-orders.service.js';
import { KeyWatch } from './key-watch.service.js';
import { TrustModule } from './trust.module.js';

/**
 * Owns what is done about providers' keys beside logins: their keeping fresh, what readiness tells of them, and what
 * operators order of them. Does not own the keys (trust.module.ts).
 */
@Module({
  imports: [TrustModule],
  controllers: [KeyOrdersController],
  providers: [KeyOrdersService, KeyWatch],
})
export class KeyOrdersModule {}
