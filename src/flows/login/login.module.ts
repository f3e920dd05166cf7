import { Module } from '@nestjs/common';
import { ProvisioningModule } from '../../provisioning/provisioning.module.js';
import { ApiKeysModule } from '../../records/api-keys/api-keys.module.js';
import { LocalAdminsModule } from '../../records/local-admins/local-admins.module.js';
import { SessionsModule } from '../../records/sessions/sessions.module.js';
import { TrustModule } from '../../trust/trust.module.js';
import { ApiKeyLogin } from './api-key-login.js';
import { ExplainController } from './explain.controller.js';
import { ExplainService } from './explain.service.js';
import { LoginController } from './login.controller.js';
import { LoginDirectory } from './login-directory.js';
import { LoginService } from './login.service.js';
import { PasswordLogin } from './password-login.js';
import { RefusalNotes } from './refusal-notes.js';
import { TokenBeliever } from './token-believer.js';
import { TokenLogin } from './token-login.js';

/**
 * Owns the login door: a token, an API key or a password in, a session out; and what explains it.
 * Does not own which tokens are believed (trust/), what follows from them (plan/), nor the session afterwards.
 */
@Module({
  imports: [ProvisioningModule, ApiKeysModule, LocalAdminsModule, SessionsModule, TrustModule],
  controllers: [LoginController, ExplainController],
  providers: [
    ApiKeyLogin,
    ExplainService,
    LoginDirectory,
    LoginService,
    PasswordLogin,
    RefusalNotes,
    TokenBeliever,
    TokenLogin,
  ],
})
export class LoginModule {}
