import { Problem } from '../../platform/problem.js';
import type { RunCounts } from '../../records/sync-runs/run.entity.js';
import { addCounts, type DonePart } from '../../records/sync-runs/run-state.js';
import { chainDigest, type StreamChunk } from './read-lines.js';

type Span = Pick<StreamChunk, 'from' | 'to' | 'digest'>;

/** How far a stream has come, and how far an earlier try of it had. Pure. */
export class StreamProgress {
  /** Every line up to this one is done with. */
  upTo = 0;
  /** Of the lines up to `upTo`. */
  counts: RunCounts = {};
  /** Of the texts of the lines up to `upTo`. */
  digest = '';
  private readonly ahead = new Map<number, Span & { counts: RunCounts }>();
  private earlier = { upTo: 0, digest: '', passed: 0, passedDigest: '' };
  private readonly earlierParts = new Map<number, DonePart & { digest: string }>();

  resume(
    stored: { upTo: number; counts: RunCounts; digest: string | null },
    parts: readonly (DonePart & { digest: string })[],
  ): void {
    this.upTo = stored.upTo;
    this.counts = stored.counts;
    this.digest = stored.digest ?? '';
    this.earlier = { upTo: this.upTo, digest: this.digest, passed: 0, passedDigest: '' };
    for (const each of parts) this.earlierParts.set(each.part, each);
  }

  /** Goes on after what is done: nothing of that comes again. */
  goOn(done: { upTo: number; counts: RunCounts }): void {
    this.upTo = done.upTo;
    this.counts = done.counts;
  }

  /** Whether an earlier try has committed the chunk. Throws `idempotency_mismatch` if it was another one then. */
  passOver(chunk: Span): boolean {
    const { earlier } = this;
    if (chunk.from <= earlier.upTo) {
      earlier.passed = chunk.to;
      earlier.passedDigest = chainDigest(earlier.passedDigest, chunk);
      if (chunk.to > earlier.upTo) throw otherStream();
      if (chunk.to === earlier.upTo && earlier.passedDigest !== earlier.digest) throw otherStream();
      return true;
    }
    const part = this.earlierParts.get(chunk.from);
    if (!part) return false;
    if (part.upTo !== chunk.to || part.digest !== chunk.digest) throw otherStream();
    this.note(chunk, part.counts);
    return true;
  }

  /** At the end of the stream. Throws `idempotency_mismatch` if an earlier try has had more lines. */
  assertCaughtUp(): void {
    if (this.earlier.passed < this.earlier.upTo) throw otherStream();
    for (const { upTo } of this.earlierParts.values()) if (upTo > this.upTo) throw otherStream();
  }

  /** A chunk is committed; those before it may not be yet. */
  note({ from, to, digest }: Span, counts: RunCounts): void {
    this.ahead.set(from, { from, to, digest, counts });
    for (let next = this.ahead.get(this.upTo + 1); next; next = this.ahead.get(this.upTo + 1)) {
      this.ahead.delete(next.from);
      this.upTo = next.to;
      this.digest = chainDigest(this.digest, next);
      this.counts = addCounts(this.counts, next.counts);
    }
  }
}

/** What has come in of a stream that was taken whole. */
export interface TakenStream {
  upTo: number;
  digest: string | null;
}

/** Reads a stream to its end. Throws `idempotency_mismatch` if it is not the one that was taken before. */
export async function assertSameStream({ upTo, digest }: TakenStream, chunks: AsyncIterable<Span>): Promise<void> {
  const progress = new StreamProgress();
  progress.resume({ upTo, digest, counts: {} }, []);
  for await (const chunk of chunks) if (!progress.passOver(chunk)) throw otherStream();
  progress.assertCaughtUp();
}

function otherStream(): Problem {
  return new Problem('idempotency_mismatch', 'It is not the stream that was sent under this key before.');
}
