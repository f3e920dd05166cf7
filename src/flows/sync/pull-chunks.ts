import type { SourcePage, SourcePlace } from './sources/source-reader.js';
import type { PullPlace, ReadingEnd, StreamChunk } from './read-lines.js';

export interface ChunkLimits {
  recordsMax: number;
  /** About: one record may go beyond. */
  bytesMax: number;
}

/** What is left of pages when they are cut: where reading goes on, and how it has ended, if it has. */
export class PullReading {
  /** Behind the last page that was cut whole. */
  place: SourcePlace;
  ended: ReadingEnd | null;
  /** Of the source's settings. */
  readonly version: number;
  private records: (Buffer | null)[] = [];
  private bytes = 0;

  /** @param done so many records came before */
  constructor(
    begin: PullPlace,
    private done: number,
    private readonly limits: ChunkLimits,
  ) {
    this.place = begin;
    this.version = begin.version;
    this.ended = begin.ended;
  }

  /**
   * Cuts pages into chunks: small pages go together. Where the source fails, what was read before is cut first. The
   * next page is asked for when the chunks before it have been taken.
   */
  async *cut(pages: AsyncIterable<SourcePage>): AsyncGenerator<StreamChunk> {
    try {
      for await (const page of pages) {
        yield* this.add(page);
        if (page.isLast) break;
      }
    } catch (error) {
      if (this.records.length > 0) yield this.takeAll(this.place);
      throw error;
    }
    if (this.records.length > 0) yield this.takeAll(this.place);
  }

  private *add({ records, place, isLast, incomplete }: SourcePage): Generator<StreamChunk> {
    if (this.records.length > 0 && !this.fits(records)) yield this.takeAll(this.place);
    for (const [index, record] of records.entries()) {
      this.records.push(record);
      this.bytes += record?.length ?? 0;
      if (this.isFull && index < records.length - 1) yield this.takeAll(null);
    }
    this.place = place;
    // Not before: a chunk of the pages before it would say that nothing is left to be read.
    if (isLast) this.ended = { incomplete: incomplete ?? null };
    if (this.isFull) yield this.takeAll(place);
  }

  private get isFull(): boolean {
    return this.records.length >= this.limits.recordsMax || this.bytes >= this.limits.bytesMax;
  }

  private fits(more: readonly (Buffer | null)[]): boolean {
    const bytes = more.reduce((sum, record) => sum + (record?.length ?? 0), this.bytes);
    return this.records.length + more.length <= this.limits.recordsMax && bytes <= this.limits.bytesMax;
  }

  private takeAll(place: SourcePlace | null): StreamChunk {
    const texts = this.records;
    [this.records, this.bytes] = [[], 0];
    const from = this.done + 1;
    this.done += texts.length;
    return {
      from,
      to: this.done,
      records: texts.map((text) => ({ text, input: undefined, line: text ? 'kept' : 'tooLong' })),
      numbers: texts.map((_, index) => from + index),
      digest: '',
      place: place && { version: this.version, state: place.state, page: place.page, ended: this.ended },
    };
  }
}
