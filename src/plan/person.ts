import type { Micros } from '../platform/clock.js';
import type { Facts } from './facts.js';

/** The unit of change: a user with everything that follows them. `user.version` guards all of it. */
export interface Person {
  user: UserState;
  identities: IdentityState[];
  grants: GrantState[];
  blocks: BlockState[];
}

export interface Profile {
  userName: string | null;
  displayName: string | null;
  givenName: string | null;
  familyName: string | null;
  email: string | null;
  emailVerified: boolean;
  attributes: Record<string, unknown>;
}

export interface UserState extends Profile {
  id: string;
  tenantId: string;
  suspended: boolean;
  /** 0 for a user that is not stored yet. */
  version: number;
  createdAt: Micros;
  updatedAt: Micros;
}

export interface IdentityState {
  id: string;
  connectionId: string;
  externalId: string | null;
  subject: string | null;
  /** `userName` as this connection states it, normalised: unique within the connection. */
  userNameKey: string | null;
  active: boolean;
  facts: Facts;
  /** The version of the connection's mapping under which the grants of this identity were last derived. */
  mappingVersion: number;
  lastLoginAt: Micros | null;
  /** A token dated before this never logs in (rule 7). */
  notBefore: Micros | null;
  /** The part of the connection whose push last stated it; '' the whole. Null: known by login or SCIM alone. */
  scope: string | null;
  /** It is gone from its snapshot, and will be switched off then, unless it is stated again. */
  leavingAt: Micros | null;
  createdAt: Micros;
}

export type HeldKind = 'role' | 'entitlement';

/** One user holds one role or entitlement because of one source. */
export type GrantState = ConnectionGrant | AdminGrant;

interface Held {
  kind: HeldKind;
  /** A role's key, or an entitlement's text. */
  key: string;
  since: Micros;
}

export interface ConnectionGrant extends Held {
  source: 'connection';
  identityId: string;
  connectionId: string;
  /** The id of the mapping's rule, or `direct`. */
  rule: string;
  mappingVersion: number;
  /** In words, for an admin: `groups has engineering`. */
  because: string;
}

export interface AdminGrant extends Held {
  source: 'admin';
  /** The admin's user id, or the id of the API key that did it. */
  adminId: string;
  reason: string | null;
  until: Micros | null;
  /** Since when it counts no more, until an admin confirms it: the account behind the user was given to another name. */
  parkedAt?: Micros;
}

/** An admin's word that the user shall not hold it, whoever grants it. */
export interface BlockState {
  kind: HeldKind;
  key: string;
  adminId: string;
  reason: string | null;
  since: Micros;
  until: Micros | null;
}
