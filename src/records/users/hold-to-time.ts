import type { Readable } from 'node:stream';

export interface ReaderTimes {
  /** For which the reader may take nothing. */
  stalledMs: number;
  /** For all of it. */
  totalMs: number;
}

/** Ends a stream whose reader stalls, or takes too long in all. Call what is returned whenever the reader has taken something. */
export function holdToTime(stream: Readable, { stalledMs, totalMs }: ReaderTimes): () => void {
  const cutAfter = (ms: number, why: string): NodeJS.Timeout =>
    setTimeout(() => stream.destroy(new Error(why)), ms).unref();
  const stall = cutAfter(stalledMs, 'The reader stalled.');
  const whole = cutAfter(totalMs, 'The reader took too long.');
  stream.once('close', () => {
    clearTimeout(stall);
    clearTimeout(whole);
  });
  return () => void (stream.destroyed || stall.refresh());
}
