import { type DynamicModule, Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { SessionFlowModule } from './flows/session/session-flow.module.js';
import { LedgerModule } from './ledger/ledger.module.js';
import type { Config } from './platform/config.js';
import type { Database } from './platform/database.js';
import { PlatformModule } from './platform/platform.module.js';
import { OnceModule } from './provisioning/once.module.js';
import { ApiKeysModule } from './records/api-keys/api-keys.module.js';
import { SessionsModule } from './records/sessions/sessions.module.js';

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
        ApiKeysModule,
        SessionsModule,
        OnceModule,
        SessionFlowModule,
      ],
    };
  }
}
