import { hash } from 'node:crypto';
import { SourceFailure } from './source-reader.js';

export interface SourceLimits {
  /** Of a page that is read whole, without its content coding. */
  pageBytesMax: number;
  /** Of one reading. */
  pagesMax: number;
  recordsMax: number;
  /** Pages one after the other that name nobody. */
  emptyPagesMax: number;
  /** How long a source may be silent. */
  silenceMs: number;
  /** For a page that is read whole. */
  pageMs: number;
  /** For a document that is read as it comes. */
  documentMs: number;
}

export const SOURCE_LIMITS: SourceLimits = {
  pageBytesMax: 16 * 1024 * 1024,
  pagesMax: 200_000,
  recordsMax: 20_000_000,
  emptyPagesMax: 100,
  silenceMs: 60_000,
  pageMs: 300_000,
  documentMs: 12 * 3_600_000,
};

/**
 * Ends a reading that would go on for ever. One for the whole of it, however often its source breaks off: else a source
 * that hangs up now and then would never come to an end. All of its methods throw SourceFailure.
 */
export class PageGuard {
  private readonly asked = new Set<string>();
  private lastDigest: string | null = null;
  private pages = 0;
  private empty = 0;
  private records = 0;

  constructor(private readonly limits: Pick<SourceLimits, 'pagesMax' | 'recordsMax' | 'emptyPagesMax'>) {}

  /** A page is about to be asked for, by its address or cursor; `isAgain`: the reading broke off at it. */
  ask(page: string, isAgain = false): void {
    const digest = hash('sha256', page, 'base64url').slice(0, 16);
    if (this.asked.has(digest) && !isAgain) throw tooMany('It leads to a page again that was read already.');
    this.asked.add(digest);
    this.pages += 1;
    if (this.pages > this.limits.pagesMax) throw tooMany(`It has more than ${this.limits.pagesMax} pages.`);
  }

  /** All is read again from its first page. */
  startOver(): void {
    this.asked.clear();
    this.lastDigest = null;
  }

  /** A page was read that named so many; `text` is all of it. */
  notePage(count: number, text: string | Buffer): void {
    this.empty = count === 0 ? this.empty + 1 : 0;
    if (this.empty > this.limits.emptyPagesMax) {
      throw tooMany(`More than ${this.limits.emptyPagesMax} pages, one after the other, name nobody.`);
    }
    const digest = hash('sha256', text, 'base64url');
    if (count > 0 && digest === this.lastDigest) throw tooMany('It answers the same page whichever is asked for.');
    this.lastDigest = digest;
  }

  /** So many more were named. */
  count(records: number): void {
    this.records += records;
    if (this.records > this.limits.recordsMax) throw tooMany(`It names more than ${this.limits.recordsMax} people.`);
  }
}

function tooMany(detail: string): SourceFailure {
  return new SourceFailure('invalid', detail);
}
