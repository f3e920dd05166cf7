import { type DynamicModule, Module } from '@nestjs/common';
import { LedgerModule } from './ledger/ledger.module.js';
import type { Config } from './platform/config.js';
import type { Database } from './platform/database.js';
import { PlatformModule } from './platform/platform.module.js';
import { ApiKeysModule } from './records/api-keys/api-keys.module.js';
import { ApplicationsModule } from './records/applications/applications.module.js';
import { LocalAdminsModule } from './records/local-admins/local-admins.module.js';
import { RolesModule } from './records/roles/roles.module.js';
import { TenantsModule } from './records/tenants/tenants.module.js';

/** The one wiring place: every module of the service, from the ground up. */
@Module({})
export class AppModule {
  static with(config: Config, database: Database): DynamicModule {
    return {
      module: AppModule,
      imports: [
        PlatformModule.with(config, database),
        LedgerModule,
        TenantsModule,
        ApplicationsModule,
        RolesModule,
        ApiKeysModule,
        LocalAdminsModule,
      ],
    };
  }
}
