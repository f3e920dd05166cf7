import { Module } from '@nestjs/common';
import { ApplicationsController } from './applications.controller.js';
import { ApplicationsService } from './applications.service.js';
import { BrowserOrigins } from './browser-origins.js';

/**
 * Owns applications: audiences, their origins, and which roles their tokens name. Does not own tokens (sessions).
 */
@Module({ controllers: [ApplicationsController], providers: [ApplicationsService, BrowserOrigins] })
export class ApplicationsModule {}
