import { Problem } from './problem.js';

/** An error as it is sent. */
export interface ErrorAnswer {
  mediaType: string;
  body: Record<string, unknown>;
}

/** The address of a request without its query. */
export function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? '';
}

const SCIM_PATH = /^\/scim(?:\/|$)/;
const SCIM_VERSION = /^\/scim\/v([^/]*)/;

/** The address speaks SCIM, and so do its errors. `path` comes without a query. */
export function speaksScim(path: string): boolean {
  return SCIM_PATH.test(path);
}

/** Why there is nothing at an address of SCIM, where that is a case of its own; else null. */
export function findScimReason(path: string): Problem | null {
  const version = SCIM_VERSION.exec(path)?.[1];
  // RFC 7644, section 3.13.
  if (version !== undefined && version !== '2') return new Problem('scim_invalid_version', 'The version here is v2.');
  // RFC 7644, section 3.11.
  if (/^\/scim\/v2\/Me(?:\/|$)/.test(path)) {
    return new Problem('not_implemented', 'SCIM is called with API keys, and a key is no user: ask /Users.');
  }
  return null;
}

/** The error in the words of its address: `application/problem+json` (RFC 9457), or SCIM's own (RFC 7644, section 3.12). */
export function errorAnswer(problem: Problem, path: string, requestId: string): ErrorAnswer {
  const body = speaksScim(path) ? scimBody(problem) : problemBody(problem, requestId);
  return { mediaType: mediaOfErrors(path), body };
}

export function mediaOfErrors(path: string): string {
  return speaksScim(path) ? 'application/scim+json' : 'application/problem+json';
}

/** The members of the answer: what the caller may know, and no more. */
export function problemBody(problem: Problem, requestId: string): Record<string, unknown> {
  return {
    type: `urn:rollcall:problem:${problem.code}`,
    code: problem.code,
    title: problem.title,
    status: problem.status,
    ...(problem.detail === undefined ? {} : { detail: problem.detail }),
    ...(problem.options.faults ? { faults: problem.options.faults } : {}),
    ...problem.options.extra,
    requestId,
  };
}

/** No member that the standard does not define: the faults are told in `detail`, the request's id in a header. */
function scimBody({ scimType, detail, title, status, options }: Problem): Record<string, unknown> {
  const faults = options.faults?.map((fault) => `${fault.pointer || 'The body'} ${fault.detail}.`) ?? [];
  return {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
    status: String(status),
    ...(scimType === null ? {} : { scimType }),
    // A detail of its own tells of the only fault.
    detail: faults.length > 1 || detail === undefined ? [title, ...faults].join(' ') : detail,
  };
}
