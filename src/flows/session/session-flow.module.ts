import { Module } from '@nestjs/common';
import { ProvisioningModule } from '../../provisioning/provisioning.module.js';
import { SessionsModule } from '../../records/sessions/sessions.module.js';
import { AuthController } from './auth.controller.js';
import { SessionFlowService } from './session-flow.service.js';
import { SessionRefreshService } from './session-refresh.service.js';
import { SessionsController } from './sessions.controller.js';

/**
 * Owns a session's life over HTTP: refresh (RFC 6749, section 6), logout, who am I, and the lists in which users and
 * admins see and end sessions. Does not own the login that begins one.
 */
@Module({
  imports: [ProvisioningModule, SessionsModule],
  controllers: [AuthController, SessionsController],
  providers: [SessionFlowService, SessionRefreshService],
})
export class SessionFlowModule {}
