import type { BlockState, GrantState, HeldKind, IdentityState, Person, UserState } from './person.js';

export type UserEventType =
  | 'user.created'
  | 'user.updated'
  | 'user.roles_changed'
  /** Admins' grants count no more until one of them confirms them. */
  | 'user.grants_parked'
  | 'user.grants_confirmed'
  | 'user.deactivated'
  /** Missing from a snapshot: to be deactivated after a while, unless the user is stated again. */
  | 'user.leaving'
  | 'user.reactivated'
  | 'user.suspended'
  | 'user.unsuspended'
  | 'user.deleted';

/** One grant as an event tells it. `rule` and `connectionId` are null where an admin gave it. */
export interface GrantWord {
  kind: HeldKind;
  key: string;
  rule: string | null;
  connectionId: string | null;
  because: string | null;
}

/** What the ledger is told of one changed user: names of fields, never their values. */
export interface UserEvent {
  type: UserEventType;
  userId: string;
  /** The user's version after the change (before it, for `user.deleted`). */
  version: number;
  fields: string[];
  granted: GrantWord[];
  revoked: GrantWord[];
}

/** A grant that stays with another reason; its key is (identity, kind, key, rule) or (admin, kind, key). */
export interface GrantUpdate {
  before: GrantState;
  after: GrantState;
}

/**
 * The rows to write for one person. `user.version` guards all of them: insert where `fromVersion` is 0, else write only
 * if the stored version is still `fromVersion`.
 *
 * `quiet` means that only times, reasons or the mapping's version moved: nothing that anybody is told of. The version
 * stays as it was, and is still the guard.
 */
export interface PersonChanges {
  userId: string;
  tenantId: string;
  fromVersion: number;
  quiet: boolean;
  /** The whole row after the change; null if the row itself did not change (`quiet`) or is deleted. */
  user: UserState | null;
  deleted: boolean;
  identitiesAdded: IdentityState[];
  identitiesUpdated: IdentityState[];
  identitiesRemoved: IdentityState[];
  grantsAdded: GrantState[];
  grantsUpdated: GrantUpdate[];
  grantsRemoved: GrantState[];
  blocksAdded: BlockState[];
  blocksRemoved: BlockState[];
  /** Null if `quiet`. */
  event: UserEvent | null;
  /** The person as it will be stored, version raised; null if deleted. */
  after: Person | null;
}
