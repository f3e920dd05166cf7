import { type DynamicModule, Global, Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { AccessGuard } from './access.guard.js';
import { Clock } from './clock.js';
import type { Config } from './config.js';
import { Database } from './database.js';
import { Leases } from './leases.js';
import { ProblemFilter } from './problem.filter.js';
import { openSealer, Sealer } from './seal.js';
import { Sweeper } from './sweeper.js';

/** The token under which the frozen configuration is injected. */
export const CONFIG = 'rollcall:config';

/**
 * Owns what every feature stands on: database, clock, configuration, access, problems,
 * sealing, leases and the sweep. Knows no feature.
 * Global, because each of its parts exists exactly once.
 */
@Global()
@Module({})
export class PlatformModule {
  static with(config: Config, database: Database): DynamicModule {
    return {
      module: PlatformModule,
      providers: [
        { provide: CONFIG, useValue: config },
        { provide: Database, useValue: database },
        { provide: Sealer, useFactory: () => openSealer(config) },
        Clock,
        Leases,
        Sweeper,
        { provide: APP_GUARD, useClass: AccessGuard },
        { provide: APP_FILTER, useClass: ProblemFilter },
      ],
      exports: [CONFIG, Database, Clock, Leases, Sealer, Sweeper],
    };
  }
}
