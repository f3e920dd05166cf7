import { Module } from '@nestjs/common';
import { BuiltInRolesService } from './built-in-roles.service.js';
import { RolesController } from './roles.controller.js';
import { RolesService } from './roles.service.js';

/**
 * Owns roles: named sets of permissions, and which of them are privileged. Does not own who holds them (users), nor
 * which connection may grant them (connections).
 */
@Module({ controllers: [RolesController], providers: [RolesService, BuiltInRolesService], exports: [RolesService] })
export class RolesModule {}
