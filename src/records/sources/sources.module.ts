import { Module } from '@nestjs/common';
import { SourcesService } from './sources.service.js';

/**
 * Owns where a connection's people are fetched from: address, form, credential and schedule, as admins set them.
 * Does not own the fetching, nor what becomes of what was fetched.
 */
@Module({ providers: [SourcesService], exports: [SourcesService] })
export class SourcesModule {}
