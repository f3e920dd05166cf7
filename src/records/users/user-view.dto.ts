import { ApiProperty } from '@nestjs/swagger';

/** Who gave a grant: a connection by one of its rules, or an admin. */
export class GrantSourceView {
  /** The connection's id. */
  connection?: string;
  /** The id of the rule of its mapping; `direct` for what the connection named itself. */
  rule?: string;
  /** The version of the mapping under which it was given. */
  mappingVersion?: number;
  /** What the rule saw, in words. */
  because?: string;
  /** The id of the admin, or of the API key. */
  admin?: string;
  /** What the admin said. */
  reason?: string | null;
}

export class GrantView {
  source: GrantSourceView;
  @ApiProperty({ format: 'date-time' }) since: string;
  /** When it ends by itself; null: it does not. */
  @ApiProperty({ format: 'date-time' }) until: string | null;
  /** False for one that came through a switched-off identity, has ended, or is parked. */
  counts: boolean;
  /** True: an admin gave it, and has to confirm it, since the account behind the user was given to another name. */
  parked?: boolean;
}

export class HeldRoleView {
  /** The role's key. */
  key: string;
  /** At least one grant counts, and no block stands against it. */
  effective: boolean;
  grants: GrantView[];
}

export class HeldEntitlementView {
  /** The entitlement's text. */
  key: string;
  effective: boolean;
  grants: GrantView[];
}

/** An admin's word that the user shall not hold something, whoever grants it. */
export class BlockView {
  /** The key of the blocked role; or else there is `entitlement`. */
  role?: string;
  /** The text of the blocked entitlement. */
  entitlement?: string;
  /** The id of the admin, or of the API key. */
  by: string;
  reason: string | null;
  @ApiProperty({ format: 'date-time' }) since: string;
  @ApiProperty({ format: 'date-time' }) until: string | null;
}

/** When each voice of the connection last said anything of the identity. */
export class StatedAtView {
  @ApiProperty({ format: 'date-time' }) push: string | null;
  @ApiProperty({ format: 'date-time' }) token: string | null;
}

/** The user's account at one connection. */
export class IdentityView {
  id: string;
  /** The connection's id. */
  connection: string;
  /** What pushes call it. */
  externalId: string | null;
  /** What tokens call it. */
  subject: string | null;
  active: boolean;
  /** The part of the connection whose push last stated it, empty for the whole; null: no push ever did. */
  scope: string | null;
  /** Missing from a snapshot: when it is switched off, unless it is stated again before. */
  @ApiProperty({ format: 'date-time' }) leavingAt: string | null;
  @ApiProperty({ format: 'date-time' }) lastLoginAt: string | null;
  /** No token that is dated before this logs in. */
  @ApiProperty({ format: 'date-time' }) notBefore: string | null;
  statedAt: StatedAtView;
  @ApiProperty({ format: 'date-time' }) createdAt: string;
}

/** A user as admins see it: with everything held, and where each of it came from. */
export class UserView {
  id: string;
  userName: string | null;
  displayName: string | null;
  givenName: string | null;
  familyName: string | null;
  email: string | null;
  emailVerified: boolean;
  suspended: boolean;
  @ApiProperty({ type: 'object', additionalProperties: true }) attributes: Record<string, unknown>;
  version: number;
  @ApiProperty({ format: 'date-time' }) createdAt: string;
  @ApiProperty({ format: 'date-time' }) updatedAt: string;
  identities: IdentityView[];
  roles: HeldRoleView[];
  entitlements: HeldEntitlementView[];
  blocks: BlockView[];
}

export class UserPage {
  items: UserView[];
  /** Of the next page; null on the last. */
  cursor: string | null;
}

/** What a split leaves: the user, and the new one with the identity. */
export class SplitView {
  user: UserView;
  newUser: UserView;
}
