import type { Micros } from '../platform/clock.js';

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** Pushes (sync records, SCIM, pulls) and tokens are heard apart; the connection's `authority` says which counts. */
export type Voice = 'push' | 'token';

/**
 * The fields that a statement can hold, by one flat name each:
 *
 * - the profile: `userName`, `email`, `emailVerified`, `displayName`, `givenName`, `familyName`, and `attributes.<name>`;
 * - `active` (pushes only), `missing` (true: a snapshot of its scope does not name the identity), `groups`, `roles` (role keys, granted under the built-in rule `direct`), `entitlements`;
 * - `claims.<name>`: a top-level claim of a token, kept as it came because the mapping reads it.
 */
export type FieldName = string;

/** What a token offers to find a pushed identity by (rule 5), in the order in which it is tried. */
export interface MatchValue {
  field: 'externalId' | 'userName' | 'email';
  value: string;
}

/**
 * What one message of a connection says of one person, at a moment.
 *
 * In `fields` a missing name is *absent*, `null` (or an empty list) is *empty*, and a name in `overage` means that the
 * provider said there were too many values to send. The three are different words (rule 3).
 */
export interface Statement {
  connectionId: string;
  voice: Voice;
  /** When it was stated. Ignored where `newest`: then it is the moment of the write. */
  at: Micros;
  /** SCIM writes and records without `statedAt` are always the newest, in the order in which they commit. */
  newest: boolean;
  /** Of a snapshot's record that has a time of its own: the moment at which it is named, and not missing. */
  namedAt?: Micros;
  /** It stands for what was said by its voice up to this moment, later than `at`: its source has forgotten that (a backup). */
  replacesUntil?: Micros;
  /** What pushes call the person. */
  externalId: string | null;
  /** What tokens call the person. */
  subject: string | null;
  /** The part of the connection that a push speaks for, '' the whole: the identity is of it from now on. */
  scope?: string;
  /** The identity itself, where the message names it (SCIM's resource id). */
  identityId?: string;
  /** With `identityId`: what pushes called the person is taken away, and nothing put in its place. */
  clearsExternalId?: boolean;
  /** What a push (SCIM) calls the person where another is found by that name, and stays so: it claims nothing. */
  sharedExternalId?: string;
  /** A directory's write (SCIM): users who are protected from this connection are not to be changed by it. */
  guarded?: boolean;
  fields: Readonly<Record<FieldName, Json>>;
  overage: readonly FieldName[];
  /**
   * The statement names everything it has to say: a field that it omits is cleared (SCIM PUT, a whole-payload claim).
   * Neither `active` nor a `claims.<name>` is cleared so.
   */
  complete: boolean;
  /** It names every attribute that there is: one that it omits is cleared. */
  allAttributes?: boolean;
  /**
   * The statement says only what has changed (SCIM): what it omits is neither cleared nor missed, whatever the mapping
   * makes of absence.
   */
  partial?: boolean;
  /** Tokens alone: what may bind them to a pushed identity that has no subject yet. */
  match?: readonly MatchValue[];
}
