import { Module } from '@nestjs/common';
import { ConnectionHistoryService } from './connection-history.service.js';
import { ConnectionsController } from './connections.controller.js';
import { ConnectionsService } from './connections.service.js';
import { RemoveConnectionService } from './remove-connection.service.js';

/**
 * Owns connections: which provider a tenant trusts, how far, and the rules that make roles of claims; their checks at
 * save, presets and history. Does not own the judging of tokens, nor what follows from a mapping: it orders the re-plan
 * and does not run it. PATCH is a JSON merge patch (RFC 7396).
 */
@Module({
  controllers: [ConnectionsController],
  providers: [ConnectionsService, ConnectionHistoryService, RemoveConnectionService],
  exports: [ConnectionsService],
})
export class ConnectionsModule {}
