import type { Person } from './person.js';

export type PlanPurpose = 'login' | 'push' | 'replan';

export type PlanResult =
  | 'created'
  | 'updated'
  | 'unchanged'
  | 'deactivated'
  | 'reactivated'
  /** Older than what is stored: it changed nothing. A stale token still logs in. */
  | 'stale'
  /** A login that is not let in. */
  | 'refused'
  /** A pushed record that is not applied. */
  | 'failed';

/** Why a person or a record is not taken, by code; programs decide by it. */
export const planProblems = {
  identity_inactive: 'The identity is switched off.',
  user_suspended: 'An admin suspended the user.',
  token_superseded: 'The token is older than the end of the sessions of its person.',
  identity_deleted: 'The token is older than the deletion of its identity.',
  unknown_person: 'Nobody has that subject, and logins of the connection make no users.',
  no_rule_matched: 'The mapping is strict, and no rule matches.',
  user_name_taken: 'Another user of the connection has that user name.',
  external_id_taken: 'Another identity of the connection has that external id.',
  role_not_allowed: 'There is no such role, or the connection may not grant it.',
  entitlement_not_allowed: 'The connection may not grant that entitlement.',
  field_absent: 'A field is absent, and the mapping denies that.',
  field_overage: 'A field was too large for the token, and the mapping denies that.',
  rule_failed: 'An expression of the mapping failed.',
  claim_invalid: 'A claim has a value that its field cannot hold.',
  facts_too_large: 'There is more to say of the person than can be kept.',
  protected_user: 'A directory may not change this user.',
  not_found: 'There is nobody of that id.',
} as const;

export type PlanProblemCode = keyof typeof planProblems;

export interface PlanProblem {
  code: PlanProblemCode;
  detail: string;
  /** Into the record or the claims. */
  pointer?: string;
  /** What else is wrong in the same way, each with its pointer. */
  others?: readonly PlanProblem[];
}

/** A role or entitlement that a rule would give and a ceiling holds back (E7). */
export interface Withheld {
  kind: 'role' | 'entitlement';
  key: string;
  rule: string;
  why: 'unknown' | 'not_allowed' | 'privileged';
}

export interface Outcome {
  result: PlanResult;
  /** With `refused` and `failed`; also as a remark beside another result (`user_name_taken` of a known token). */
  problem?: PlanProblem;
  /**
   * Null where nobody was found. Also set beside `refused` for a known person: the ledger names who was refused.
   */
  userId: string | null;
  identityId: string | null;
  withheld: readonly Withheld[];
  /** The sessions of this identity end in the same transaction. */
  endSessions?: 'deactivated' | 'no_rule_matched' | 'external_id_changed';
  /** A subject that means this identity no longer: no token of it from before logs in again. */
  unbound?: string;
  /** The person is a former user of the connection who came back. */
  returned?: boolean;
  /** Somebody who was there: the person as the plan found them. */
  before?: Person;
  /** The person as the plan leaves them, null where nobody was found. */
  person: Person | null;
}
