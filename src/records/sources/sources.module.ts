import { Module } from '@nestjs/common';
import { CredentialVault } from './credential-vault.js';
import { SourcesController } from './sources.controller.js';
import { SourcesService } from './sources.service.js';

/**
 * Owns where a connection's people are fetched from: address, form, credential and schedule, as admins set them.
 * Does not own the fetching, nor what becomes of what was fetched. JSON pointers are RFC 6901.
 */
@Module({
  controllers: [SourcesController],
  providers: [CredentialVault, SourcesService],
  exports: [CredentialVault, SourcesService],
})
export class SourcesModule {}
