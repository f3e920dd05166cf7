import { readLines } from '../../../platform/lines.js';
import type { PrimaryClient } from './primary-client.js';
import { SourceFailure, type SourcePage, type SourcePlace, type SourceReader } from './source-reader.js';

/** What is known of the primary when a reading has ended. */
export interface FollowedState {
  /** Everything up to this number of its change feed. */
  position: number;
  /** Since when this copy differs though everything was read again; micros. */
  differsSince?: number;
}

/** The page that comes next: of everybody, behind a record; or of the changes after a position. */
interface FollowedPage {
  position: number;
  /** `statedAt,externalId` of the last record; null: the changes come next. */
  after: string | null;
  /** The changes up to this number. */
  until?: number;
}

export type Comparison = 'same' | 'differs' | 'moved' | 'behind';

const RECORDS_PER_PAGE = 500;
const LINE_BYTES_MAX = 64 * 1024;
const CHANGES_PER_READ = 1000;
const GONE_MAX = 100_000;

/**
 * The people of a connection of another Rollcall. Everybody, as of one moment or, where that broke off, of several; and
 * from the position before the first of these on whoever has changed, as they are now. A person's records carry the time
 * of their version, so that it does not matter which of them comes last.
 */
export class RollcallSource implements SourceReader {
  /** Whom the changes that were read told to be gone; of very many not all. */
  readonly gone = new Set<string>();

  constructor(private readonly primary: PrimaryClient) {}

  async *read(place: SourcePlace, mode: 'full' | 'changes', signal: AbortSignal): AsyncGenerator<SourcePage> {
    const state = place.state as FollowedState | null;
    let page = place.page as FollowedPage | null;
    if (page === null && mode === 'changes' && state !== null) page = { position: state.position, after: null };
    if (page === null || page.after !== null) page = yield* this.readEverybody(place, page, signal);
    const position = yield* this.readChanges(place, page, signal);
    const differsSince = mode === 'changes' && state?.differsSince ? { differsSince: state.differsSince } : {};
    yield { records: [], place: { state: { position, ...differsSince }, page: null }, isLast: true };
  }

  /**
   * Whether a copy of these people that has taken everything up to `position` is what the primary has. Whoever has changed
   * there since is left out on both sides. `moved`: they are too many for that.
   *
   * @param digestCopy the digest of the copy, without these
   */
  async compare(
    { position }: FollowedState,
    digestCopy: (without: ReadonlySet<string>) => Promise<{ count: number; text: string }>,
    signal: AbortSignal,
  ): Promise<Comparison> {
    const theirs = await this.primary.digest(position, signal);
    if (theirs.position < position) return 'behind';
    if (theirs.changed === null) return 'moved';
    const ours = await digestCopy(new Set(theirs.changed));
    return theirs.count === ours.count && theirs.digest === ours.text ? 'same' : 'differs';
  }

  /** Of these people, those whom the primary does not have. */
  async findMissing(ids: readonly string[], signal: AbortSignal): Promise<string[]> {
    return (await this.primary.findRecords(ids, signal)).missing;
  }

  private async *readEverybody(
    { state }: SourcePlace,
    begun: FollowedPage | null,
    signal: AbortSignal,
  ): AsyncGenerator<SourcePage, FollowedPage> {
    const answer = await this.primary.openExport(begun?.after ?? null, signal);
    let position = begun?.position ?? null;
    let isHead = true;
    let records: (Buffer | null)[] = [];
    for await (const lines of readLines(answer.body, LINE_BYTES_MAX)) {
      for (const { text } of lines) {
        if (isHead || position === null) {
          // Of several exports the first one's: whoever changed after that is among the changes.
          position ??= this.readHead(text);
          isHead = false;
          continue;
        }
        // Behind the last of them there is another one: it is no part of a line that was cut off.
        const last = records.at(-1);
        if (last && records.length >= RECORDS_PER_PAGE) {
          yield { records, place: { state, page: { position, after: this.placeOf(last) } }, isLast: false };
          records = [];
        }
        // One that is too long is refused by its number, as a line of any other stream.
        records.push(text);
      }
    }
    if (!answer.endIsCertain) {
      const detail = 'The export has neither a length nor chunks: whether all of it came cannot be told.';
      throw new SourceFailure('unreachable', detail);
    }
    if (position === null) throw this.primary.unfit();
    const page: FollowedPage = { position, after: null };
    yield { records, place: { state, page }, isLast: false };
    return page;
  }

  private async *readChanges(
    { state }: SourcePlace,
    from: FollowedPage,
    signal: AbortSignal,
  ): AsyncGenerator<SourcePage, number> {
    let { position, until = Infinity } = from;
    while (position < until) {
      const feed = await this.primary.readFeed(position, CHANGES_PER_READ, signal);
      if (feed.position < position) throw this.primary.unfit();
      // Who changes from here on comes the next time, or a reading would not end while anybody does.
      until = Math.min(until, feed.head);
      const ids = [...new Set(feed.changes.map(({ userId }) => userId))];
      for (let start = 0; start < ids.length; start += RECORDS_PER_PAGE) {
        const some = ids.slice(start, start + RECORDS_PER_PAGE);
        const { records, missing } = await this.primary.findRecords(some, signal);
        for (const id of missing) if (this.gone.size < GONE_MAX) this.gone.add(id);
        const isWhole = start + RECORDS_PER_PAGE >= ids.length;
        const page: FollowedPage = { position: isWhole ? feed.position : position, after: null, until };
        yield { records, removed: missing, place: { state, page }, isLast: false };
      }
      if (feed.position === position) break;
      position = feed.position;
    }
    return position;
  }

  private readHead(text: Buffer | null): number {
    const { position } = text === null ? {} : this.parse(text);
    if (typeof position !== 'number') throw this.primary.unfit();
    return position;
  }

  private placeOf(text: Buffer): string {
    const { statedAt, externalId } = this.parse(text);
    if (typeof statedAt !== 'string' || typeof externalId !== 'string') throw this.primary.unfit();
    return `${statedAt},${externalId}`;
  }

  private parse(text: Buffer): Record<string, unknown> {
    try {
      const value: unknown = JSON.parse(text.toString('utf8'));
      if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
    } catch (error) {
      throw new SourceFailure('invalid', this.primary.unfit().message, { cause: error });
    }
    throw this.primary.unfit();
  }
}
