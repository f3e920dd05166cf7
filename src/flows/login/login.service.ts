import { Injectable } from '@nestjs/common';
import { Problem } from '../../platform/problem.js';
import { SessionsService } from '../../records/sessions/sessions.service.js';
import { ApiKeyLogin } from './api-key-login.js';
import { type LoginAnswer, type CredentialBody, toLoginAnswer } from './login.dto.js';
import { LoginRefusal } from './login-refusal.js';
import { PasswordLogin } from './password-login.js';
import { type Client, RefusalNotes } from './refusal-notes.js';
import { TokenLogin } from './token-login.js';

/** Where a login comes from, and the name that its request has in the log. */
interface LoginOrigin extends Client {
  requestId: string;
}

const ONE_CREDENTIAL =
  'needs exactly one of: a token (here or in the Authorization header), `apiKey`, or `userName` and `password`';

/** The one door of logins: which credential it is, one answer for every refusal, and the reason for the ledger. */
@Injectable()
export class LoginService {
  constructor(
    private readonly tokens: TokenLogin,
    private readonly passwords: PasswordLogin,
    private readonly apiKeys: ApiKeyLogin,
    private readonly sessions: SessionsService,
    private readonly refusals: RefusalNotes,
  ) {}

  /** `bearer`: the token of the Authorization header, if there is one. */
  async login(body: CredentialBody, bearer: string | null, from: LoginOrigin): Promise<LoginAnswer> {
    const { requestId, ...client } = from;
    const credentials = [body.token, bearer ?? undefined, body.apiKey, body.password];
    if (credentials.filter((each) => each !== undefined).length !== 1) {
      throw new Problem('invalid_request', undefined, {
        faults: [{ pointer: '', detail: ONE_CREDENTIAL }],
      });
    }
    const token = body.token ?? bearer ?? undefined;
    try {
      if (body.apiKey !== undefined) return await this.apiKeys.login(body.apiKey);
      const logged =
        token === undefined ? await this.byPassword(body, client) : await this.byToken(token, body, client);
      const { session } = logged.prepared;
      return toLoginAnswer(
        logged,
        await this.sessions.signAccessToken(session, logged.application, logged.roles, logged.now),
      );
    } catch (error) {
      if (!(error instanceof LoginRefusal)) throw error;
      await this.refusals.note(error, client, requestId);
      throw error.answer;
    }
  }

  private byToken(token: string, body: CredentialBody, client: Client) {
    return this.tokens.login(token, {
      application: body.application ?? null,
      tenant: body.tenant ?? null,
      connectionId: body.connection ?? null,
      nonce: body.nonce ?? null,
      ...client,
    });
  }

  private byPassword({ tenant, userName, password, application }: CredentialBody, client: Client) {
    if (tenant === undefined || userName === undefined || password === undefined) {
      const faults = Object.entries({ tenant, userName, password })
        .filter(([, value]) => value === undefined)
        .map(([name]) => ({ pointer: `/${name}`, detail: 'is needed' }));
      throw new Problem('invalid_request', undefined, { faults });
    }
    return this.passwords.login({ tenant, userName, password, application: application ?? null }, client);
  }
}
