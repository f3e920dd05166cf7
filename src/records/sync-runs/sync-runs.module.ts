import { Module } from '@nestjs/common';
import { SyncRunsController } from './sync-runs.controller.js';
import { SyncRunsService } from './sync-runs.service.js';

/** Owns the record of runs, and how a re-plan is ordered. Does not own what a run does: provisioning carries it out. */
@Module({ controllers: [SyncRunsController], providers: [SyncRunsService] })
export class SyncRunsModule {}
