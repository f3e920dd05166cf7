import { hash } from 'node:crypto';
import { Problem } from '../../platform/problem.js';

/**
 * The ETag of a resource, which is its `meta.version` too: weak (RFC 7644, section 3.14).
 *
 * @param beside what the resource shows that its version does not count, as `markOf` makes it
 */
export function etagOf({ version }: { version: number }, beside = ''): string {
  return beside === '' ? `W/"${version}"` : `W/"${version}-${beside}"`;
}

/** A few characters that are others where these values are others; none for an empty list. */
export function markOf(values: readonly string[]): string {
  return values.length === 0 ? '' : hash('sha256', JSON.stringify(values), 'base64url').slice(0, 10);
}

/**
 * One of the ETags in a header is this one, or `*`. Weak comparison (RFC 9110, section 8.8.3.2): SCIM's ETags are weak,
 * and clients drop the mark.
 */
export function matchesEtag(header: string, etag: string): boolean {
  const opaque = (text: string): string => text.trim().replace(/^W\//, '');
  return header.split(',').some((part) => part.trim() === '*' || opaque(part) === opaque(etag));
}

/**
 * Throws `version_conflict` where the client has read another version. What the version does not count is others' to
 * change: a write overwrites nothing of it.
 */
export function checkEtag(ifMatch: string | undefined, stored: { version: number }): void {
  if (ifMatch === undefined) return;
  const etag = etagOf(stored);
  if (ifMatch.split(',').some((part) => matchesEtag(withoutMark(part.trim()), etag))) return;
  throw new Problem('version_conflict', `Its version is ${etag}.`);
}

/** Looked at from its beginning alone: in a bulk request it can be a mebibyte of anything. */
function withoutMark(etag: string): string {
  return etag.replace(/^((?:W\/)?"\d+)-[\w-]+"$/, '$1"');
}
