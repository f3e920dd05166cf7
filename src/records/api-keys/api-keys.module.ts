import { Module } from '@nestjs/common';
import { ApiKeyStrategy } from './api-key.strategy.js';
import { ApiKeysController } from './api-keys.controller.js';
import { ApiKeysService } from './api-keys.service.js';
import { KeyAuthentication } from './key-authentication.js';
import { SyncKeysController } from './sync-keys.controller.js';
import { SyncKeysService } from './sync-keys.service.js';

/**
 * Owns API keys: their format, storage, scopes and end. Does not own what a scope permits: routes say that.
 */
@Module({
  controllers: [ApiKeysController, SyncKeysController],
  providers: [ApiKeysService, SyncKeysService, KeyAuthentication, ApiKeyStrategy],
  exports: [KeyAuthentication],
})
export class ApiKeysModule {}
