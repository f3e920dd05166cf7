import { Module } from '@nestjs/common';
import { UsersModule } from '../records/users/users.module.js';
import { Batch } from './batch.js';
import { ConnectionPolicies } from './connection-policies.js';
import { Idempotency } from './idempotency.js';
import { ProvisioningService } from './provisioning.service.js';

/**
 * Owns the way from statements to tables: load, plan (plan/), write, in batches; and the re-plan of edited rules.
 * Does not own how statements are worded on the wire (flows/) nor what follows from them (plan/).
 */
@Module({
  imports: [UsersModule],
  providers: [Batch, ConnectionPolicies, Idempotency, ProvisioningService],
  exports: [ConnectionPolicies, Idempotency, ProvisioningService],
})
export class ProvisioningModule {}
