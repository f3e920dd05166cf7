/** `scimType` of RFC 7644, section 3.12, and of RFC 9865, section 2.1. */
export type ScimType =
  | 'invalidFilter'
  | 'tooMany'
  | 'uniqueness'
  | 'mutability'
  | 'invalidSyntax'
  | 'invalidPath'
  | 'noTarget'
  | 'invalidValue'
  | 'invalidVers'
  | 'sensitive'
  | 'invalidCursor'
  | 'expiredCursor'
  | 'invalidCount';

export interface ProblemDefinition {
  status: number;
  title: string;
  /** What SCIM's error body names it. */
  scimType?: ScimType;
}

/**
 * Every problem that Rollcall answers with: its code (the last part of `type`), status and title, in order of status.
 * `docs/problems.md` is generated from this list.
 */
export const problems = {
  invalid_json: { status: 400, title: 'The body is not valid JSON.', scimType: 'invalidSyntax' },
  invalid_request: { status: 400, title: 'The request has faults.', scimType: 'invalidSyntax' },
  credential_in_url: { status: 400, title: 'Credentials do not belong in a URL.' },
  scim_invalid_filter: {
    status: 400,
    scimType: 'invalidFilter',
    title: 'The filter is not valid, or not for this attribute.',
  },
  scim_invalid_path: { status: 400, scimType: 'invalidPath', title: 'The path names no attribute.' },
  scim_no_target: { status: 400, scimType: 'noTarget', title: 'The path meets nothing that could be changed.' },
  scim_mutability: { status: 400, scimType: 'mutability', title: 'The attribute may not be changed so.' },
  scim_invalid_value: { status: 400, scimType: 'invalidValue', title: 'A value is missing or not of its type.' },
  scim_invalid_syntax: { status: 400, scimType: 'invalidSyntax', title: 'The body is not what this request takes.' },
  scim_too_many: { status: 400, scimType: 'tooMany', title: 'The filter meets more than the server can work on.' },
  scim_invalid_version: { status: 400, scimType: 'invalidVers', title: 'That version of the protocol is not spoken.' },
  scim_invalid_cursor: { status: 400, scimType: 'invalidCursor', title: 'The cursor is not one of this list.' },
  scim_expired_cursor: { status: 400, scimType: 'expiredCursor', title: 'The cursor is too old: begin again.' },
  scim_invalid_count: { status: 400, scimType: 'invalidCount', title: 'The count does not fit the cursor.' },
  stream_broken: { status: 400, title: 'The stream broke off; what was committed stays.' },
  unauthenticated: { status: 401, title: 'A valid credential is needed.' },
  no_rule_matched: { status: 403, title: 'No rule of the connection lets this person in.' },
  connection_ambiguous: { status: 409, title: 'Several connections believe this token.' },
  source_suspended: { status: 409, title: 'The source is suspended: an admin has to resume it.' },
  last_owner: { status: 409, title: 'The last owner of a tenant stays.' },
  login_refused: { status: 401, title: 'The login was refused.' },
  may_not_grant: { status: 403, title: 'Nobody grants what they do not hold.' },
  session_over: { status: 401, title: 'The session is over: log in again.' },
  forbidden: { status: 403, title: 'The caller may not do this.' },
  scim_sensitive: { status: 403, scimType: 'sensitive', title: 'That does not belong in a URL: use POST …/.search.' },
  protected_user: { status: 403, title: 'The user is beyond the reach of this connection.' },
  not_found: { status: 404, title: 'There is no such thing here.' },
  method_not_allowed: { status: 405, title: 'This address does not know that method.' },
  not_acceptable: { status: 406, title: 'No media type that is understood here is accepted.' },
  conflict: { status: 409, title: 'The request conflicts with what is stored.' },
  scim_uniqueness: { status: 409, scimType: 'uniqueness', title: 'Another resource has that value.' },
  connection_in_use: { status: 409, title: 'People depend on the connection.' },
  name_taken: { status: 409, title: 'That name is taken.' },
  built_in: { status: 409, title: 'What is built in cannot be changed.' },
  run_cancelled: { status: 409, title: 'The run was cancelled; what was committed stays.' },
  role_in_use: { status: 409, title: 'The role is in use.' },
  tenant_in_use: { status: 409, title: 'The tenant holds users or connections.' },
  tenant_not_active: { status: 409, title: 'The tenant is not active.' },
  link_invalid: { status: 410, title: 'The link is unknown, used or expired.' },
  owned_by_connection: { status: 409, title: 'A connection states that, and would state it again.' },
  version_conflict: { status: 412, title: 'It was changed since it was read.' },
  idempotency_in_progress: { status: 409, title: 'The same request is being worked on.' },
  payload_too_large: { status: 413, title: 'The body is too large.' },
  unsupported_media_type: { status: 415, title: 'The body has a media type that is not understood here.' },
  idempotency_mismatch: { status: 422, title: 'The Idempotency-Key stood for another request.' },
  batch_refused: { status: 422, title: 'The batch has records that cannot be applied; nothing was written.' },
  version_required: { status: 428, title: 'A change of this needs If-Match.' },
  too_many_requests: { status: 429, title: 'Too many requests.' },
  internal: { status: 500, title: 'Something failed on our side.' },
  not_implemented: { status: 501, title: 'That is not to be had here.' },
  source_failed: { status: 502, title: 'The source could not be read.' },
  database_unavailable: { status: 503, title: 'The database does not answer.' },
  idp_unavailable: { status: 503, title: 'The identity provider does not answer.' },
  overloaded: { status: 503, title: 'Too much is waiting to be written.' },
} as const satisfies Record<string, ProblemDefinition>;

export type ProblemCode = keyof typeof problems;
