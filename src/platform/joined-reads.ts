/**
 * Reads by key that are asked for at the same time go to the database together: while one read runs, those who come
 * wait for the next, which reads for them all. Each read begins after it was asked for, so that nobody is told what was
 * true before; a lone one begins at once.
 */
export class JoinedReads<Value> {
  private next: { keys: Set<string>; found: Promise<Map<string, Value>> } | null = null;
  private running: Promise<unknown> = Promise.resolve();

  /** `read`: what is stored under each of some keys; keys that have nothing are left out. */
  constructor(private readonly read: (keys: string[]) => Promise<Map<string, Value>>) {}

  /** Rejects with the error of the read. */
  async find(key: string): Promise<Value | null> {
    this.next ??= this.begin();
    this.next.keys.add(key);
    return (await this.next.found).get(key) ?? null;
  }

  private begin(): { keys: Set<string>; found: Promise<Map<string, Value>> } {
    const keys = new Set<string>();
    const found = this.running.then(() => {
      this.next = null;
      return this.read([...keys]);
    });
    this.running = found.catch(() => undefined);
    return { keys, found };
  }
}
