import { Module } from '@nestjs/common';
import { FirstStartService } from './first-start.service.js';
import { LocalAdminsController } from './local-admins.controller.js';
import { LocalAdminsService } from './local-admins.service.js';
import { PasswordCheck } from './password-check.js';
import { SetupController } from './setup.controller.js';
import { SetupService } from './setup.service.js';

/**
 * Owns the few accounts with a password of Rollcall's own (the first admin, and break-glass) and the one-time links
 * that make them. Does not own sessions, nor users and grants beyond making these. Passwords: argon2id (RFC 9106).
 */
@Module({
  controllers: [LocalAdminsController, SetupController],
  providers: [LocalAdminsService, PasswordCheck, SetupService, FirstStartService],
  exports: [PasswordCheck],
})
export class LocalAdminsModule {}
