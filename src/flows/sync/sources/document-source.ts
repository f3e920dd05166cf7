import { createHash } from 'node:crypto';
import type { DocumentSourceSettings } from '../../../records/sources/source-settings.js';
import { type DocumentPage, readJsonPage, readLinesPage } from './document-page.js';
import { PageGuard } from './page-guard.js';
import type { SourceClient } from './source-client.js';
import { SourceFailure, type SourcePage, type SourcePlace, type SourceReader } from './source-reader.js';

const NDJSON_MEDIA = 'application/x-ndjson, application/jsonl, application/json;q=0.5';

/** Of a document of one page: by what its server tells whether it has changed (RFC 9110, section 8.8). */
interface DocumentState {
  etag: string | null;
  lastModified: string | null;
}

/** The page that comes next. */
interface DocumentPlace {
  url: string;
  /** How many pages came before it. */
  pages: number;
  /** So many of its lines, or items, were read while it had this ETag; of another one, none. */
  lines: number;
  etag: string | null;
  /** Why an earlier page may not have been whole. */
  incomplete: string | null;
}

/** People in one document, or in several that lead to one another: JSON lists, or a JSON record a line. */
export class DocumentSource implements SourceReader {
  private guard: PageGuard;

  constructor(
    private readonly client: SourceClient,
    private readonly settings: DocumentSourceSettings,
  ) {
    this.guard = new PageGuard(client.limits);
  }

  async *read(place: SourcePlace, mode: 'full' | 'changes', signal: AbortSignal): AsyncGenerator<SourcePage> {
    const { state } = place;
    if (place.page === null) this.guard = new PageGuard(this.client.limits);
    const { guard } = this;
    const start = { url: this.settings.url, pages: 0, lines: 0, etag: null, incomplete: null };
    let here = (place.page as DocumentPlace | null) ?? start;
    for (let isAgain = place.page !== null; ; isAgain = false) {
      guard.ask(here.url, isAgain);
      const isBegun = place.page !== null || here.pages > 0;
      const known = mode === 'changes' && !isBegun ? (state as DocumentState | null) : null;
      const page = await this.open(here, conditionOf(known), signal);
      if (page === null) {
        if (known === null) throw new SourceFailure('invalid', `${this.client.host} answered 304 to a plain request.`);
        yield { records: [], place: { state, page: null }, isLast: true };
        return;
      }
      const etag = page.headers.etag ?? null;
      const incomplete = here.incomplete ?? page.incomplete;
      const named = createHash('sha256');
      let count = 0;
      for await (const { records, lines } of page.pieces) {
        count += records.length;
        for (const record of records) named.update(record ?? '').update('\n');
        guard.count(records.length);
        // Of a page that cannot be told from another one nothing was reached until all of it is read.
        const reached = etag === null ? here : { ...here, lines, etag };
        yield { records, place: { state, page: reached }, isLast: false };
      }
      guard.notePage(count, named.digest('base64url'));
      const next = page.findNext();
      if (next === null) {
        // What may have been cut off is read again, though its server says that it has not changed.
        const isOneWhole = here.pages === 0 && incomplete === null;
        const last = { records: [], place: { state: isOneWhole ? stateOf(page) : null, page: null }, isLast: true };
        yield incomplete === null ? last : { ...last, incomplete };
        return;
      }
      here = { url: next, pages: here.pages + 1, lines: 0, etag: null, incomplete };
      yield { records: [], place: { state, page: here }, isLast: false };
    }
  }

  /** Null where it has not changed. */
  private async open(
    { url, lines, etag }: DocumentPlace,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<DocumentPage | null> {
    const { client, settings } = this;
    const accept = settings.type === 'json' ? 'application/json' : NDJSON_MEDIA;
    const answer = await client.open(url, { accept, headers, signal });
    if (answer.status === 304) {
      answer.leave();
      return null;
    }
    const isSame = etag !== null && answer.headers.etag === etag;
    const around = { client, url, skip: isSame ? lines : 0 };
    return settings.type === 'json' ? readJsonPage(answer, settings, around) : readLinesPage(answer, settings, around);
  }
}

function conditionOf(known: DocumentState | null): Record<string, string> {
  if (known?.etag) return { 'if-none-match': known.etag };
  return known?.lastModified ? { 'if-modified-since': known.lastModified } : {};
}

/** Null where the server says nothing by which to ask. */
function stateOf({ headers }: DocumentPage): DocumentState | null {
  const { etag = null, 'last-modified': lastModified = null } = headers;
  return etag === null && lastModified === null ? null : { etag, lastModified };
}
