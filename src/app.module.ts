import { type DynamicModule, Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { LedgerModule } from './ledger/ledger.module.js';
import type { Config } from './platform/config.js';
import type { Database } from './platform/database.js';
import { PlatformModule } from './platform/platform.module.js';
import { ApiKeysModule } from './records/api-keys/api-keys.module.js';
import { UsersModule } from './records/users/users.module.js';

/** The one wiring place: every module of the service, from the ground up. */
@Module({})
export class AppModule {
  static with(config: Config, database: Database): DynamicModule {
    return {
      module: AppModule,
      imports: [
        PlatformModule.with(config, database),
        ScheduleModule.forRoot(),
        LedgerModule,
        ApiKeysModule,
        UsersModule,
      ],
    };
  }
}
