import { SourceFailure, type SourcePage } from './sources/source-reader.js';

export interface PaceLimits {
  /** Looked at each time that the source was waited for so long. */
  windowMs: number;
  /** People and pages that have to come in it. */
  comingMin: number;
  /** So long it is waited for in the whole reading. */
  totalMs: number;
}

/** Far below what any source does that is only slow: one that has few people is at its end by then. */
export const SOURCE_PACE: PaceLimits = { windowMs: 3_600_000, comingMin: 100, totalMs: 24 * 3_600_000 };

/** How fast a source gives what it has: what drips is never silent for long, and would be waited for without end. */
export class ReadingPace {
  private waitedMs = 0;
  private came = 0;
  /** Since when it is waited for; null while its pages are being written. */
  private since: number | null = null;

  /** @param allWaitedMs so long it had been waited for when the reading was taken over */
  constructor(
    private readonly limits: PaceLimits = SOURCE_PACE,
    private readonly nowMs: () => number = () => performance.now(),
    private allWaitedMs = 0,
  ) {}

  /** How long the source was waited for in this reading so far, whoever did it. */
  get totalWaitedMs(): number {
    return this.allWaitedMs;
  }

  /** The same pages. What comes after a failure, and the pause before it, counts on. */
  async *measure(pages: AsyncIterable<SourcePage>): AsyncGenerator<SourcePage> {
    this.since ??= this.nowMs();
    for await (const page of pages) {
      this.came += 1 + page.records.length;
      this.countWait();
      this.since = null;
      yield page;
      this.since = this.nowMs();
    }
  }

  /** Call it now and then. Throws SourceFailure where too little has come, or it was waited for too long altogether. */
  check(): void {
    this.countWait();
    const { windowMs, comingMin, totalMs } = this.limits;
    if (this.allWaitedMs > totalMs) {
      const detail = `The source has not come to its end in ${totalMs / 3_600_000} hours of waiting for it.`;
      throw new SourceFailure('invalid', detail);
    }
    if (this.waitedMs < windowMs) return;
    if (this.came < comingMin) {
      const detail = `The source is too slow: it gave fewer than ${comingMin} people in ${windowMs / 60_000} minutes.`;
      throw new SourceFailure('unreachable', detail);
    }
    [this.waitedMs, this.came] = [0, 0];
  }

  private countWait(): void {
    if (this.since === null) return;
    const now = this.nowMs();
    this.waitedMs += now - this.since;
    this.allWaitedMs += now - this.since;
    this.since = now;
  }
}
