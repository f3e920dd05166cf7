import { Injectable } from '@nestjs/common';
import { KeyAuthentication } from '../../records/api-keys/key-authentication.js';
import { SessionsService } from '../../records/sessions/sessions.service.js';
import { LoginDirectory } from './login-directory.js';
import type { LoginAnswer } from './login.dto.js';
import { LoginRefusal } from './login-refusal.js';

/** Gives a machine a short access token for its API key, so that the key itself travels once. */
@Injectable()
export class ApiKeyLogin {
  constructor(
    private readonly keys: KeyAuthentication,
    private readonly sessions: SessionsService,
    private readonly directory: LoginDirectory,
  ) {}

  /** Throws LoginRefusal for a key that is unknown, revoked or expired. */
  async login(apiKey: string): Promise<LoginAnswer> {
    const principal = await this.keys.authenticate(apiKey);
    if (!principal) throw new LoginRefusal('api_key_invalid', null, null);
    const application = await this.directory.findApplication(principal.tenantId, null);
    if (!application) throw new LoginRefusal('application_unknown', principal.tenantId, null);
    const signed = await this.sessions.signMachineToken(principal, application);
    return { access_token: signed.accessToken, token_type: 'Bearer', expires_in: signed.expiresInSeconds };
  }
}
