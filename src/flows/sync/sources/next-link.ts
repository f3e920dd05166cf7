/** The target of `rel="next"` in a `Link` header (RFC 8288, section 3); null where there is none. */
export function findNextLink(header: string | undefined): string | null {
  if (header === undefined || header.length > 8192) return null;
  // Targets may hold commas, so they are looked for by their brackets.
  for (const [, target = '', parameters = ''] of header.matchAll(
    /<([^<>]*)>((?:\s*;\s*[^\s;,=]+\s*(?:=\s*(?:"[^"]*"|[^\s;,"]*))?)*)/g,
  )) {
    const rel = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]*))/i.exec(parameters);
    if ((rel?.[1] ?? rel?.[2] ?? '').toLowerCase().split(/\s+/).includes('next')) return target;
  }
  return null;
}
