import { Module } from '@nestjs/common';
import { ApiKeyStrategy } from './api-key.strategy.js';
import { ApiKeysService } from './api-keys.service.js';

/**
 * Owns API keys: their format, storage, scopes and end. Does not own what a scope permits: routes say that.
 */
@Module({ providers: [ApiKeysService, ApiKeyStrategy], exports: [ApiKeysService] })
export class ApiKeysModule {}
