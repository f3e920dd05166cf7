import { Module } from '@nestjs/common';
import { ProvisioningModule } from '../../provisioning/provisioning.module.js';
import { SyncController } from './sync.controller.js';
import { SyncService } from './sync.service.js';

/**
 * Owns the push door: sync records in, results out (JSON; draft-ietf-httpapi-idempotency-key-header).
 * Does not own what a record leads to: that is the plan's.
 */
@Module({ imports: [ProvisioningModule], controllers: [SyncController], providers: [SyncService] })
export class SyncModule {}
