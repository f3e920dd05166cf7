import { Module } from '@nestjs/common';
import { ProvisioningModule } from '../../provisioning/provisioning.module.js';
import { OutboundModule } from '../../platform/outbound.module.js';
import { SourcesModule } from '../../records/sources/sources.module.js';
import { UsersModule } from '../../records/users/users.module.js';
import { CopyCheck } from './copy-check.js';
import { PullOrders } from './pull-orders.js';
import { PullPreviews } from './pull-previews.js';
import { PullRuns } from './pull-runs.js';
import { PullWorker } from './pull-worker.js';
import { PullsController } from './pulls.controller.js';
import { PullsService } from './pulls.service.js';
import { PushParts } from './push-parts.js';
import { Snapshots } from './snapshots.js';
import { SourceReaders } from './sources/source-readers.js';
import { SourceSuspensions } from './source-suspensions.js';
import { StreamRuns } from './stream-runs.js';
import { StreamService } from './stream.service.js';
import { SyncController } from './sync.controller.js';
import { SyncService } from './sync.service.js';

/**
 * Owns the push door: sync records in, results out (JSON, and NDJSON of any length; RFC 7240,
 * draft-ietf-httpapi-idempotency-key-header); and pulls: sources are read when they are due or somebody asks, into runs
 * like those of streams.
 * Does not own what a record leads to: that is the plan's; nor how a source is set (records/sources).
 */
@Module({
  imports: [ProvisioningModule, SourcesModule, UsersModule, OutboundModule],
  controllers: [SyncController, PullsController],
  providers: [
    CopyCheck,
    PullOrders,
    PullPreviews,
    PullRuns,
    PullsService,
    PullWorker,
    PushParts,
    Snapshots,
    SourceReaders,
    SourceSuspensions,
    StreamRuns,
    StreamService,
    SyncService,
  ],
})
export class SyncModule {}
