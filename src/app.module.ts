import { type DynamicModule, Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { LoginModule } from './flows/login/login.module.js';
import { ScimModule } from './flows/scim/scim.module.js';
import { SessionFlowModule } from './flows/session/session-flow.module.js';
import { SyncModule } from './flows/sync/sync.module.js';
import { LedgerModule } from './ledger/ledger.module.js';
import type { Config } from './platform/config.js';
import type { Database } from './platform/database.js';
import { PlatformModule } from './platform/platform.module.js';
import { OnceModule } from './provisioning/once.module.js';
import { ApiKeysModule } from './records/api-keys/api-keys.module.js';
import { ApplicationsModule } from './records/applications/applications.module.js';
import { ConnectionsModule } from './records/connections/connections.module.js';
import { LocalAdminsModule } from './records/local-admins/local-admins.module.js';
import { GroupsModule } from './records/groups/groups.module.js';
import { RolesModule } from './records/roles/roles.module.js';
import { SessionsModule } from './records/sessions/sessions.module.js';
import { ScimRequestsModule } from './records/scim-requests/scim-requests.module.js';
import { SyncRunsModule } from './records/sync-runs/sync-runs.module.js';
import { SourcesModule } from './records/sources/sources.module.js';
import { TenantsModule } from './records/tenants/tenants.module.js';
import { UsersModule } from './records/users/users.module.js';
import { KeyOrdersModule } from './trust/key-orders.module.js';

/** The one wiring place: every module of the service, from the ground up. */
@Module({})
export class AppModule {
  static with(config: Config, database: Database): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ScheduleModule.forRoot(),
        PlatformModule.with(config, database),
        LedgerModule,
        TenantsModule,
        ApplicationsModule,
        GroupsModule,
        RolesModule,
        ApiKeysModule,
        ConnectionsModule,
        SourcesModule,
        UsersModule,
        SessionsModule,
        LocalAdminsModule,
        SyncRunsModule,
        ScimRequestsModule,
        OnceModule,
        SessionFlowModule,
        SyncModule,
        ScimModule,
        KeyOrdersModule,
        LoginModule,
      ],
    };
  }
}
