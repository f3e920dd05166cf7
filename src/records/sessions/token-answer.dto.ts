import type { SignedToken } from './sessions.service.js';

/** What a login or a refresh gives (RFC 6749, section 5.1). */
export class TokenAnswer {
  /** A JWT (RFC 9068) for applications to check offline, and for this API. */
  access_token: string;
  /** @example Bearer */
  token_type: string;
  /** Seconds until the access token expires. */
  expires_in: number;
  /** Works once, at `POST /auth/refresh`. */
  refresh_token: string;
}

export function toTokenAnswer(signed: SignedToken, refreshToken: string): TokenAnswer {
  return {
    access_token: signed.accessToken,
    token_type: 'Bearer',
    expires_in: signed.expiresInSeconds,
    refresh_token: refreshToken,
  };
}
