import { Module } from '@nestjs/common';
import { ProvisioningModule } from '../../provisioning/provisioning.module.js';
import { PushParts } from './push-parts.js';
import { Snapshots } from './snapshots.js';
import { StreamRuns } from './stream-runs.js';
import { StreamService } from './stream.service.js';
import { SyncController } from './sync.controller.js';
import { SyncService } from './sync.service.js';

/**
 * Owns the push door: sync records in, results out (JSON, and NDJSON of any length; RFC 7240,
 * draft-ietf-httpapi-idempotency-key-header).
 * Does not own what a record leads to: that is the plan's.
 */
@Module({
  imports: [ProvisioningModule],
  controllers: [SyncController],
  providers: [PushParts, Snapshots, StreamRuns, StreamService, SyncService],
})
export class SyncModule {}
