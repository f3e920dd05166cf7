import { Inject, Module, type OnModuleInit } from '@nestjs/common';
import { DAY } from '../../platform/clock.js';
import { CONFIG, type Config } from '../../platform/config.js';
import { Sweeper } from '../../platform/sweeper.js';
import { HeldRunsController } from './held-runs.controller.js';
import { HeldRunsService } from './held-runs.service.js';
import { SEEN_KEPT } from './seen-names.js';
import { RunEvents } from './run-events.js';
import { RunOutcomes } from './run-outcomes.js';
import { SyncRunsController } from './sync-runs.controller.js';
import { SyncRunsService } from './sync-runs.service.js';

/**
 * Owns the record of runs: what became of them, what they refused, their progress as server-sent events (WHATWG HTML,
 * section 9.2), and how a re-plan is ordered. Does not own what a run does: flows and provisioning carry it out.
 */
@Module({
  controllers: [SyncRunsController, HeldRunsController],
  providers: [HeldRunsService, RunEvents, RunOutcomes, SyncRunsService],
})
export class SyncRunsModule implements OnModuleInit {
  constructor(
    private readonly sweeper: Sweeper,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit(): void {
    const keepMicros = this.config.SYNC_RUN_DAYS * DAY;
    this.sweeper.add(
      { table: 'run_seen', key: ['runId', 'part'], moment: 'at', keepMicros: SEEN_KEPT },
      { table: 'run_failures', key: ['runId', 'record'], moment: 'at', keepMicros },
      {
        table: 'runs',
        key: ['id'],
        moment: 'aliveAt',
        keepMicros,
        // An admin's word is awaited; when it has come or has lapsed, the days count from there.
        except: "status = 'held'",
        parts: [
          { table: 'run_parts', key: ['runId'] },
          { table: 'run_entries', key: ['runId'] },
        ],
      },
    );
  }
}
