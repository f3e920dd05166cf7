/**
 * What waits to be written: bounded by number for each connection and by bytes for all, so that a flood costs a count
 * and no memory. Of each connection refused and accepted requests have room of their own: a busy client's successes do
 * not push out the one refusal that somebody will look for.
 */
export class RequestQueue<T extends { connectionId: string; isRefused: boolean; bytes: number }> {
  private entries: T[] = [];
  private readonly room = new Map<string, number>();
  private bytes = 0;

  constructor(
    private readonly perConnectionMax: number,
    private readonly bytesMax: number,
  ) {}

  get isEmpty(): boolean {
    return this.entries.length === 0;
  }

  /** False where there is no room for it. */
  add(entry: T): boolean {
    const name = `${entry.isRefused ? 'refused' : 'accepted'} ${entry.connectionId}`;
    const taken = this.room.get(name) ?? 0;
    if (taken >= this.perConnectionMax || this.bytes + entry.bytes > this.bytesMax) return false;
    this.room.set(name, taken + 1);
    this.bytes += entry.bytes;
    this.entries.push(entry);
    return true;
  }

  /** Everything that waits, in the order in which it came; the queue is empty afterwards. */
  takeAll(): T[] {
    const taken = this.entries;
    this.entries = [];
    this.room.clear();
    this.bytes = 0;
    return taken;
  }
}
