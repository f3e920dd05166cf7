import { type DynamicModule, Global, Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { AccessGuard } from './access.guard.js';
import { Clock } from './clock.js';
import { CONFIG, type Config } from './config.js';
import { Database } from './database.js';
import { HealthController } from './health.controller.js';
import { HealthRegistry } from './health.js';
import { Leases } from './leases.js';
import { MetricsController } from './metrics.controller.js';
import { Metrics } from './metrics.js';
import { ProblemFilter } from './problem.filter.js';
import { openSealer, Sealer } from './seal.js';
import { ShutdownDrains } from './shutdown.js';
import { Sweeper } from './sweeper.js';

/**
 * Owns what every feature stands on: database, clock, configuration, access, problems, sealing, leases, the sweep,
 * health, metrics, the end. Knows no feature.
 * Global, because each of its parts exists exactly once.
 */
@Global()
@Module({})
export class PlatformModule {
  static with(config: Config, database: Database): DynamicModule {
    return {
      module: PlatformModule,
      controllers: [HealthController, MetricsController],
      providers: [
        { provide: CONFIG, useValue: config },
        { provide: Database, useValue: database },
        { provide: Sealer, useFactory: () => openSealer(config) },
        Clock,
        HealthRegistry,
        Leases,
        Metrics,
        ShutdownDrains,
        Sweeper,
        { provide: APP_GUARD, useClass: AccessGuard },
        { provide: APP_FILTER, useClass: ProblemFilter },
      ],
      exports: [CONFIG, Database, Clock, HealthRegistry, Leases, Metrics, Sealer, ShutdownDrains, Sweeper],
    };
  }
}
