import { Problem } from '../../platform/problem.js';

/** The ETag of a resource, which is its `meta.version` too: weak (RFC 7644, section 3.14). */
export function etagOf({ version }: { version: number }): string {
  return `W/"${version}"`;
}

/**
 * One of the ETags in a header is this one, or `*`. Weak comparison (RFC 9110, section 8.8.3.2): SCIM's ETags are weak,
 * and clients drop the mark.
 */
export function matchesEtag(header: string, etag: string): boolean {
  const opaque = (text: string): string => text.trim().replace(/^W\//, '');
  return header.split(',').some((part) => part.trim() === '*' || opaque(part) === opaque(etag));
}

/** Throws `version_conflict` where the client has read another version. */
export function checkEtag(ifMatch: string | undefined, stored: { version: number }): void {
  if (ifMatch === undefined || matchesEtag(ifMatch, etagOf(stored))) return;
  throw new Problem('version_conflict', `Its version is ${etagOf(stored)}.`);
}
