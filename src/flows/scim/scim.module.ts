import { Module } from '@nestjs/common';
import { ProvisioningModule } from '../../provisioning/provisioning.module.js';
import { UsersModule } from '../../records/users/users.module.js';
import { GroupRunsService } from './group-runs.service.js';
import { GroupWriter } from './group-writer.js';
import { ScimBulkController } from './scim-bulk.controller.js';
import { ScimBulkService } from './scim-bulk.service.js';
import { ScimDirectories } from './scim-directory.js';
import { ScimDiscoveryController } from './scim-discovery.controller.js';
import { ScimGroupReader } from './scim-group-reader.js';
import { ScimGroupsController } from './scim-groups.controller.js';
import { ScimGroupsService } from './scim-groups.service.js';
import { ScimLists } from './scim-lists.service.js';
import { ScimRootController } from './scim-root.controller.js';
import { ScimSearchService } from './scim-search.service.js';
import { ScimUserReader } from './scim-user-reader.js';
import { ScimUsersController } from './scim-users.controller.js';
import { ScimUsersService } from './scim-users.service.js';

/**
 * Owns the SCIM 2.0 server (RFC 7643, RFC 7644, RFC 9865) under `/scim/v2`: a connection as a directory of users and
 * groups, each write translated into statements. Does not own what follows from them (plan/), nor how they are written
 * (provisioning/).
 */
@Module({
  imports: [ProvisioningModule, UsersModule],
  controllers: [
    ScimUsersController,
    ScimGroupsController,
    ScimBulkController,
    ScimRootController,
    ScimDiscoveryController,
  ],
  providers: [
    ScimDirectories,
    ScimLists,
    ScimSearchService,
    ScimUserReader,
    ScimUsersService,
    ScimGroupReader,
    ScimGroupsService,
    ScimBulkService,
    GroupWriter,
    GroupRunsService,
  ],
})
export class ScimModule {}
