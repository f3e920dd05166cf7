/**
 * Lets other requests have their turn: long work of one request is cut into pieces of about a millisecond, between
 * which it calls this.
 */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
