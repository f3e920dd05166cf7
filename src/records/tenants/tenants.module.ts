import { Module } from '@nestjs/common';
import { TenantDeletionService } from './tenant-deletion.service.js';
import { TenantExportService } from './tenant-export.service.js';
import { TenantsController } from './tenants.controller.js';
import { TenantsService } from './tenants.service.js';

/**
 * Owns tenants: their making, suspension, export and end, and operators' hour inside one. Does not own what they hold,
 * nor who operators are: those are users of tenant `platform` with its role `operator`.
 */
@Module({ controllers: [TenantsController], providers: [TenantsService, TenantDeletionService, TenantExportService] })
export class TenantsModule {}
