import { Module } from '@nestjs/common';
import { ConnectionsModule } from '../records/connections/connections.module.js';
import { UsersModule } from '../records/users/users.module.js';
import { Batch } from './batch.js';
import { ConnectionPolicies } from './connection-policies.js';
import { Idempotency } from './idempotency.js';
import { MissingPeople } from './missing-people.js';
import { ProvisioningService } from './provisioning.service.js';
import { RemovalCounts } from './removal-counts.js';
import { RemovalsService } from './removals.service.js';
import { ReplanChunk } from './replan-chunk.js';
import { ReplanPreview } from './replan-preview.js';
import { ReplanController } from './replan.controller.js';
import { ReplanService } from './replan.service.js';

/**
 * Owns the way from statements to tables: load, plan (plan/), write, in batches; and the re-plan of edited rules.
 * Does not own how statements are worded on the wire (flows/) nor what follows from them (plan/).
 */
@Module({
  imports: [ConnectionsModule, UsersModule],
  controllers: [ReplanController],
  providers: [
    Batch,
    ConnectionPolicies,
    Idempotency,
    MissingPeople,
    ProvisioningService,
    RemovalCounts,
    RemovalsService,
    ReplanChunk,
    ReplanPreview,
    ReplanService,
  ],
  exports: [ConnectionPolicies, Idempotency, MissingPeople, ProvisioningService, RemovalsService, ReplanService],
})
export class ProvisioningModule {}
