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

export type PlanProblemCode =
  /** The identity is switched off (E11). */
  | 'identity_inactive'
  /** An admin suspended the user (E11). */
  | 'user_suspended'
  /** The token is dated before the end of the person's sessions (rule 7). */
  | 'token_superseded'
  /** The token is dated before the deletion of its identity. */
  | 'identity_deleted'
  /** No person of that subject, and this connection's logins make none. */
  | 'unknown_person'
  /** Strict mapping, and no rule matches (E8). */
  | 'no_rule_matched'
  | 'user_name_taken'
  | 'external_id_taken'
  | 'role_not_allowed'
  | 'entitlement_not_allowed'
  /** A field is absent or overage, and the mapping says `deny` (E6). */
  | 'field_absent'
  | 'field_overage'
  /** An expression of the mapping failed otherwise than by a missing claim (E9). */
  | 'rule_failed'
  /** A claim has a value that its field cannot hold. */
  | 'claim_invalid'
  | 'facts_too_large'
  /** A directory's write may not reach this user (rule 4). */
  | 'protected_user'
  | 'not_found';

export interface PlanProblem {
  code: PlanProblemCode;
  detail: string;
  /** Into the record or the claims. */
  pointer?: string;
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
