import { Injectable } from '@nestjs/common';
import { Clock } from '../../platform/clock.js';
import { Database } from '../../platform/database.js';
import { ConnectionPolicies } from '../../provisioning/connection-policies.js';
import { ProvisioningService } from '../../provisioning/provisioning.service.js';
import { RemovalsService } from '../../provisioning/removals.service.js';

/** What every push works with, be it a body or a stream. */
@Injectable()
export class PushParts {
  constructor(
    readonly database: Database,
    readonly clock: Clock,
    readonly policies: ConnectionPolicies,
    readonly provisioning: ProvisioningService,
    readonly removals: RemovalsService,
  ) {}
}
