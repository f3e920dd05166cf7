/** What a problem is to a SCIM client (RFC 7644, section 3.12; RFC 9865, section 2.1), beside its status. */
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

interface ProblemKind {
  status: number;
  title: string;
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
  invalid_filter: { status: 400, title: 'The filter cannot be understood.', scimType: 'invalidFilter' },
  invalid_path: { status: 400, title: 'The path cannot be understood.', scimType: 'invalidPath' },
  invalid_value: { status: 400, title: 'A value is missing, or does not fit its attribute.', scimType: 'invalidValue' },
  invalid_cursor: { status: 400, title: 'The cursor is none of this list.', scimType: 'invalidCursor' },
  expired_cursor: { status: 400, title: 'The cursor has expired.', scimType: 'expiredCursor' },
  invalid_count: { status: 400, title: 'The count does not fit the cursor.', scimType: 'invalidCount' },
  not_mutable: { status: 400, title: 'The attribute cannot be changed so.', scimType: 'mutability' },
  no_target: { status: 400, title: 'The path names nothing that is there.', scimType: 'noTarget' },
  too_many: { status: 400, title: 'It matches more than the server works through.', scimType: 'tooMany' },
  sensitive: { status: 403, title: 'That does not belong in a URL.', scimType: 'sensitive' },
  unknown_version: { status: 400, title: 'There is no such version of the protocol.', scimType: 'invalidVers' },
  unauthenticated: { status: 401, title: 'A valid credential is needed.' },
  no_rule_matched: { status: 403, title: 'No rule of the connection lets this person in.' },
  connection_ambiguous: { status: 409, title: 'Several connections believe this token.' },
  last_owner: { status: 409, title: 'The last owner of a tenant stays.' },
  login_refused: { status: 401, title: 'The login was refused.' },
  may_not_grant: { status: 403, title: 'Nobody grants what they do not hold.' },
  session_over: { status: 401, title: 'The session is over: log in again.' },
  forbidden: { status: 403, title: 'The caller may not do this.' },
  not_found: { status: 404, title: 'There is no such thing here.' },
  method_not_allowed: { status: 405, title: 'This address does not know that method.' },
  not_acceptable: { status: 406, title: 'No media type that is understood here is accepted.' },
  not_unique: { status: 409, title: 'Another one has that already.', scimType: 'uniqueness' },
  conflict: { status: 409, title: 'The request conflicts with what is stored.' },
  connection_in_use: { status: 409, title: 'People depend on the connection.' },
  name_taken: { status: 409, title: 'That name is taken.' },
  built_in: { status: 409, title: 'What is built in cannot be changed.' },
  role_in_use: { status: 409, title: 'The role is in use.' },
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
  database_unavailable: { status: 503, title: 'The database does not answer.' },
  idp_unavailable: { status: 503, title: 'The identity provider does not answer.' },
  overloaded: { status: 503, title: 'Too much is waiting to be written.' },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof problems;

export function scimTypeOf(code: ProblemCode): ScimType | undefined {
  const kind: ProblemKind = problems[code];
  return kind.scimType;
}
