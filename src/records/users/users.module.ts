import { Module, type OnModuleInit } from '@nestjs/common';
import { DAY } from '../../platform/clock.js';
import { Sweeper } from '../../platform/sweeper.js';
import { ExpirySweep } from './expiry-sweep.service.js';
import { FollowController } from './follow.controller.js';
import { FollowService } from './follow.service.js';
import { ReadingPlaces } from './reading-places.js';
import { IdentityRemoval } from './identity-removal.service.js';
import { PersonEditor } from './person-editor.js';
import { PersonWriter } from './person-writer.js';
import { UserExportController } from './user-export.controller.js';
import { UserExportService } from './user-export.service.js';
import { UserHoldingsController } from './user-holdings.controller.js';
import { UserHoldingsService } from './user-holdings.service.js';
import { UserLinksController } from './user-links.controller.js';
import { UserLinksService } from './user-links.service.js';
import { UserListService } from './user-list.service.js';
import { UsersController } from './users.controller.js';
import { UsersService } from './users.service.js';

/** Whoever follows a connection and was away for longer learns of it when they compare. */
const DEPARTURES_KEPT = 90 * DAY;

/**
 * Owns persons: users with their identities, grants and blocks; how they are loaded, edited by hand and written; their
 * REST face. Does not own what follows from a statement (plan/) nor how statements arrive (flows/).
 */
@Module({
  controllers: [UsersController, UserHoldingsController, UserLinksController, UserExportController, FollowController],
  providers: [
    PersonWriter,
    PersonEditor,
    UsersService,
    UserListService,
    UserHoldingsService,
    UserLinksService,
    UserExportService,
    FollowService,
    ReadingPlaces,
    IdentityRemoval,
    ExpirySweep,
  ],
  exports: [PersonWriter, IdentityRemoval],
})
export class UsersModule implements OnModuleInit {
  constructor(private readonly sweeper: Sweeper) {}

  onModuleInit(): void {
    this.sweeper.add({
      table: 'departures',
      moment: 'leftAt',
      key: ['connectionId', 'userId'],
      keepMicros: DEPARTURES_KEPT,
    });
  }
}
