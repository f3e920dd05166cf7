import { SourceFailure } from './source-reader.js';

const LENGTH_MAX = 8192;

/**
 * The target of `rel="next"` in a `Link` header (RFC 8288, section 3); null where there is none. Throws SourceFailure for
 * one too long to be read: without it this page would be taken for the last.
 */
export function findNextLink(header: string | undefined): string | null {
  if (header === undefined) return null;
  if (header.length > LENGTH_MAX) throw new SourceFailure('invalid', 'Its Link header is too long to be read.');
  // Targets may hold commas, so they are looked for by their brackets.
  for (const [, target = '', parameters = ''] of header.matchAll(
    /<([^<>]*)>((?:\s*;\s*[^\s;,=]+\s*(?:=\s*(?:"[^"]*"|[^\s;,"]*))?)*)/g,
  )) {
    const rel = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]*))/i.exec(parameters);
    if ((rel?.[1] ?? rel?.[2] ?? '').toLowerCase().split(/\s+/).includes('next')) return target;
  }
  return null;
}
