import { IsOptional, IsString, MaxLength, MinLength } from 'class-validator';
import type { SignedToken } from '../../records/sessions/sessions.service.js';
import type { LoggedIn } from './logged-in.js';

/** Of the members of most logins: how long a plain one may be. */
const PLAIN_CHARS_MAX = new Map([
  ['token', 65_536],
  ['tenant', 63],
  ['application', 255],
  ['connection', 36],
  ['nonce', 1000],
]);
const PLAIN = /^[!-~]+$/;

/** One credential: a token of an identity provider (here or as `Authorization: Bearer`), an API key, or a password. */
export class CredentialBody {
  /** The JWT that the identity provider gave: an ID token, or an access token that is a JWT. */
  @IsOptional() @IsString() @MaxLength(65_536) token?: string;

  /** An API key of a machine: gives a short access token with the key's scopes. */
  @IsOptional() @IsString() @MaxLength(200) apiKey?: string;

  /** Slug or id of the tenant; needed with a password, else it only narrows. Name it wherever it is known. */
  @IsOptional() @IsString() @MinLength(1) @MaxLength(63) tenant?: string;

  /** A local admin's name. */
  @IsOptional() @IsString() @MinLength(1) @MaxLength(255) userName?: string;

  /** A local admin's password. */
  @IsOptional() @IsString() @MinLength(1) @MaxLength(200) password?: string;

  /** Audience of the application that the access token is for; the tenant's default where it is not named. */
  @IsOptional() @IsString() @MinLength(1) @MaxLength(255) application?: string;

  /** Id of the connection, where several believe the token. */
  @IsOptional() @IsString() @MaxLength(36) connection?: string;

  /** The nonce that was sent to the identity provider, where the connection demands one. */
  @IsOptional() @IsString() @MaxLength(1000) nonce?: string;

  /** For BodyValidationPipe. */
  static isSurelyRight(body: object): boolean {
    return Object.entries(body).every(([name, value]) => {
      return typeof value === 'string' && value.length <= (PLAIN_CHARS_MAX.get(name) ?? -1) && PLAIN.test(value);
    });
  }
}

export class LoginUserDto {
  id: string;
  tenant: string;
  userName: string | null;
  displayName: string | null;
  email: string | null;
  /** Keys of the roles that count in this session. */
  roles: string[];
  /** Roles that the user holds, and that this session does not carry: its connection may not give privileged roles. */
  withheld: string[];
}

export class LoginAnswer {
  /** A JWT (RFC 9068) for applications to check offline, and for this API. */
  access_token: string;
  /** @example Bearer */
  token_type: string;
  /** Seconds until the access token expires. */
  expires_in: number;
  /** Works once, at `POST /auth/refresh`. Not given for an API key. */
  refresh_token?: string;
  /** Not given for an API key. */
  user?: LoginUserDto;
}

export function toLoginAnswer({ prepared, roles, profile }: LoggedIn, signed: SignedToken): LoginAnswer {
  const { session, refreshToken } = prepared;
  return {
    access_token: signed.accessToken,
    token_type: 'Bearer',
    expires_in: signed.expiresInSeconds,
    refresh_token: refreshToken,
    user: {
      id: session.userId,
      tenant: session.tenantId,
      userName: profile.userName,
      displayName: profile.displayName,
      email: profile.email,
      roles: roles.filter((role) => session.privileged || !role.privileged).map(({ key }) => key),
      withheld: session.privileged ? [] : roles.filter(({ privileged }) => privileged).map(({ key }) => key),
    },
  };
}
