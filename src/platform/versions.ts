import { Problem } from './problem.js';

/** The ETag of an object at a version (RFC 9110, section 8.8.3). */
export function etagOf(version: number): string {
  return `"${version}"`;
}

/** Throws `version_required` (428) without an `If-Match`, `version_conflict` (412) if it is not of this version. */
export function requireVersion(ifMatch: string | undefined, version: number): void {
  if (ifMatch === undefined) {
    throw new Problem('version_required', `Send If-Match with the version that you have read, such as ${etagOf(7)}.`);
  }
  checkVersion(ifMatch, version);
}

/** The same, where `If-Match` may be left out. `*` matches any version. */
export function checkVersion(ifMatch: string | undefined, version: number): void {
  if (ifMatch === undefined) return;
  const wanted = ifMatch.split(',').map((part) => part.trim());
  if (wanted.includes('*') || wanted.includes(etagOf(version))) return;
  throw new Problem('version_conflict', `It is at version ${version}; read it again.`, { extra: { version } });
}

/** Sets the ETag of what a controller is about to answer with. */
export function withEtag<T extends { version: number }>(
  reply: { header(name: string, value: string): unknown },
  view: T,
): T {
  reply.header('etag', etagOf(view.version));
  return view;
}
