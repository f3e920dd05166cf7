/** What a push says of one person. A member that is not there says nothing; null or an empty list says that it is empty. */
export class SyncRecordDto {
  /** What the sender calls the person, compared byte for byte. */
  externalId?: string;
  /** Another name of `externalId`. */
  usercode?: string;
  /** Unique in the connection, whatever its case. */
  userName?: string | null;
  /** False switches the person off: sessions end, no token logs in. */
  active?: boolean;
  name?: SyncNameDto | null;
  displayName?: string | null;
  email?: string | null;
  emailVerified?: boolean | null;
  /** Keys of roles, granted under the built-in rule `direct`, within the connection's `allowedRoles`. */
  roles?: string[] | null;
  /** Names or ids of groups, which the connection's rules read. */
  groups?: string[] | null;
  /** Within the connection's `allowedEntitlements`. */
  entitlements?: string[] | null;
  attributes?: Record<string, unknown> | null;
  /** RFC 3339; a record without it is always the newest. */
  statedAt?: string;
}

export class SyncNameDto {
  givenName?: string | null;
  familyName?: string | null;
}

/** A push with more to say than its records. */
export class SyncEnvelopeDto {
  users: SyncRecordDto[];
  /** `upsert`: who is not named stays as they are. `snapshot`: whoever `scope` has and is not named is switched off. */
  mode?: 'upsert' | 'snapshot';
  /** The part of the connection that the push speaks for, of at most 64 characters; without it the whole. */
  scope?: string;
  /** Answer what would become of each record, and write nothing. */
  dryRun?: boolean;
  /** All records or none. */
  atomic?: boolean;
  /** For records that have none of their own. Of a snapshot the moment whose truth it is; without it, when it came. */
  statedAt?: string;
  /** Needed where the credential is not bound to a connection. */
  connection?: string;
}

export class RecordProblemDto {
  /** One of docs/problems.md, of a record or of a request. */
  code: string;
  detail: string;
  faults?: RecordFaultDto[];
}

export class RecordFaultDto {
  /** A JSON pointer into the record. */
  pointer: string;
  detail: string;
}

export class RecordChangesDto {
  /** Names of fields. */
  fields: string[];
  /** `role editor`, `entitlement report:1`. */
  granted: string[];
  revoked: string[];
}

export class RecordResultDto {
  externalId: string | null;
  result: 'created' | 'updated' | 'unchanged' | 'deactivated' | 'stale' | 'held' | 'failed';
  /** Of a dry run: of somebody who is there. Whom it would create has none yet. */
  userId?: string;
  /** The number of an earlier record of the same person in this push; both were applied, in order. */
  duplicateOf?: number;
  /** Of a dry run: what would be written of the person. */
  changes?: RecordChangesDto;
  problem?: RecordProblemDto;
}

export class SyncCountsDto {
  created: number;
  updated: number;
  unchanged: number;
  deactivated: number;
  /** Older than what is stored: it changed nothing. */
  stale: number;
  /** They take something from a user, and wait: for the end of the run, or for an admin (`GET /sync-runs/{id}/plan`). */
  held: number;
  failed: number;
}

export class SyncAnswerDto {
  /** The run's id; null for a dry run. */
  run: string | null;
  dryRun: boolean;
  counts: SyncCountsDto;
  /** One for each record, in order. */
  results: RecordResultDto[];
  /** Of a snapshot: how many of its scope it does not name, and nobody has since. */
  missing?: number;
  /** Why it is held, or why nobody was taken for missing. */
  error?: string;
  /** Of the dry run of a snapshot: the first thousand of those who are missing. */
  missingPeople?: MissingPersonDto[];
  /** Of the dry run of a snapshot: what it takes away would wait for an admin. */
  held?: boolean;
}

export class MissingPersonDto {
  externalId: string;
  userId: string;
}
