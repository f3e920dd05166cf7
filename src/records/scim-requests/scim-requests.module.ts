import { Module, type OnModuleInit } from '@nestjs/common';
import { Sweeper } from '../../platform/sweeper.js';
import { ApiKeysModule } from '../api-keys/api-keys.module.js';
import { ScimRequestHooks } from './scim-request-hooks.js';
import { ScimRequestLog } from './scim-request-log.js';
import { ScimRequestsController } from './scim-requests.controller.js';
import { ScimRequestsService } from './scim-requests.service.js';

/**
 * Owns the log of what SCIM clients sent and how it was answered: its masking, its bounds and its REST face. Does not
 * own SCIM itself, of which it knows the door and the words (RFC 7643, RFC 7644).
 */
@Module({
  imports: [ApiKeysModule],
  controllers: [ScimRequestsController],
  providers: [ScimRequestLog, ScimRequestHooks, ScimRequestsService],
})
export class ScimRequestsModule implements OnModuleInit {
  constructor(private readonly sweeper: Sweeper) {}

  onModuleInit(): void {
    this.sweeper.add({ table: 'scim_requests', key: ['id'], keepMicros: 0 });
  }
}
