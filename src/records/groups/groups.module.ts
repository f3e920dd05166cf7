import { Module } from '@nestjs/common';
import { ConnectionGroupsController } from './connection-groups.controller.js';
import { ConnectionGroupsService } from './connection-groups.service.js';

/**
 * Owns the tables of pushed groups and their members, who is due to follow a change of them, and what an admin sees of
 * them. Does not own how they are pushed (flows/scim), nor the runs that members follow by.
 */
@Module({ controllers: [ConnectionGroupsController], providers: [ConnectionGroupsService] })
export class GroupsModule {}
