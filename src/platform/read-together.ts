/**
 * Reads that are asked for within one turn of the event loop go to the database as one. Each begins after it was asked
 * for, so that nobody is told of a moment before their question.
 */
export class ReadTogether<Found> {
  private next: { keys: Set<string>; found: Promise<ReadonlyMap<string, Found>> } | null = null;

  constructor(private readonly read: (keys: readonly string[]) => Promise<ReadonlyMap<string, Found>>) {}

  /** Null for what was not found. Throws what the reading throws. */
  async find(key: string): Promise<Found | null> {
    this.next ??= this.begin();
    this.next.keys.add(key);
    return (await this.next.found).get(key) ?? null;
  }

  private begin() {
    const keys = new Set<string>();
    const found = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      this.next = null;
      return this.read([...keys]);
    });
    return { keys, found };
  }
}
