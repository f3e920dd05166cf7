/**
 * Lets other requests have their turn: long work of one request is cut into pieces of about a millisecond, between
 * which it calls this.
 */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const STRETCH_MS = 2;

/** When to breathe, for work of which one piece may take a microsecond and the next ten milliseconds. */
export class WorkStretch {
  private began = performance.now();

  /** Whether the work has gone on for a few milliseconds: then `await stretch.end()`. */
  isLong(): boolean {
    return performance.now() - this.began >= STRETCH_MS;
  }

  async end(): Promise<void> {
    await breathe();
    this.began = performance.now();
  }
}
